//! What clients ask about the cluster, tables and lists of attributes.

use std::net::{IpAddr, Ipv4Addr};

use dax_wire::Answer;

use super::{Refused, Session, validation};
use crate::cluster::Status;

/// Roles of nodes.
const PRIMARY: i64 = 1;
const REPLICA: i64 = 2;

impl Session<'_> {
    /// The nodes of the cluster: their ids, hosts, addresses, ports, roles and zones.
    pub(super) fn endpoints(&self) -> Result<Vec<u8>, Refused> {
        let cluster = self.serving.cluster()?;
        let host = self.dax.host();
        let address: IpAddr = host.parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let nodes: Vec<_> = cluster.nodes.iter().filter(|node| node.status == Status::Available).collect();
        let mut answer = Answer::success();
        answer.0.array(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            answer.0.map(7);
            answer.0.integer(0);
            answer.0.integer(i64::from(node.port));
            answer.0.integer(1);
            answer.0.text(&host);
            answer.0.integer(2);
            answer.0.bytes(&octets);
            answer.0.integer(3);
            answer.0.integer(i64::from(node.port));
            answer.0.integer(4);
            answer.0.integer(if index == 0 { PRIMARY } else { REPLICA });
            answer.0.integer(5);
            answer.0.text(&node.zone);
            answer.0.integer(6);
            answer.0.integer(0);
        }
        Ok(answer.into_bytes())
    }

    pub(super) async fn define_key_schema(&self, table: &str) -> Result<Vec<u8>, Refused> {
        let table = self.serving.table(table).await?;
        Ok(Answer::key_schema(&table.keys).into_bytes())
    }

    pub(super) fn define_attribute_list(&self, id: i64) -> Result<Vec<u8>, Refused> {
        let names = self.dax.lists.names(self.ctx.cloud(), &self.serving.name, id)?;
        let names = names.ok_or_else(|| validation(format!("There is no list of attributes {id}")))?;
        let mut answer = Answer::success();
        answer.0.array(names.len());
        names.iter().for_each(|name| answer.0.text(name));
        Ok(answer.into_bytes())
    }

    pub(super) async fn define_attribute_list_id(&self, names: Vec<String>) -> Result<Vec<u8>, Refused> {
        let id = self.dax.lists.id(self.ctx.cloud(), &self.serving.name, names).await?;
        let mut answer = Answer::success();
        answer.0.integer(id);
        Ok(answer.into_bytes())
    }
}
