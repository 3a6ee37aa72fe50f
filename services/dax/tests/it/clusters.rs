//! Clusters, and who may speak to them.

use std::time::Duration;

use dax_api::op as dax_op;
use dax_api::{CreateClusterInput, DeleteClusterInput};

use crate::client::{Lab, ROLE};

#[tokio::test]
async fn a_cluster_is_created_and_deleted_by_jobs() {
    let lab = Lab::new().await;
    assert_eq!(lab.status().await, "available");
    let deleted =
        lab.region.call::<dax_op::DeleteCluster>(DeleteClusterInput { cluster_name: "c".to_owned() }).await;
    let status = deleted.expect("a deletion").cluster.and_then(|cluster| cluster.status);
    assert_eq!(status.as_deref(), Some("deleting"));
    lab.region.advance(Duration::from_secs(2)).await;
    assert_eq!(lab.status().await, "");
}

#[tokio::test]
async fn names_that_are_none_are_refused() {
    let lab = Lab::new().await;
    for name in ["", "1a", "a-", "a--b", "a_b", "abcdefghijklmnopqrstu"] {
        let input = CreateClusterInput {
            cluster_name: name.to_owned(),
            node_type: "dax.t3.small".to_owned(),
            replication_factor: 1,
            iam_role_arn: ROLE.to_owned(),
            ..CreateClusterInput::default()
        };
        let refused = lab.region.call::<dax_op::CreateCluster>(input).await.expect_err("no name");
        assert_eq!(refused.name(), "InvalidParameterValueException", "{name}");
    }
}

#[tokio::test]
async fn who_does_not_say_who_it_is_gets_nothing() {
    let lab = Lab::new().await;
    let mut client = lab.connect_unauthorized().await;
    assert_eq!(client.get_with("a", false).await, Err(vec![4, 23, 31, 33]));
    client.authorize().await;
    assert_eq!(client.get("a").await, None);
}

#[tokio::test]
async fn lists_of_attributes_keep_their_ids() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    let id = client.list_id(&["a", "b"]).await;
    assert_eq!(client.list_id(&["a", "b"]).await, id);
    assert_ne!(client.list_id(&["b", "a"]).await, id);
    assert_eq!(client.list_id(&[]).await, 1);
    assert_eq!(client.list(id).await, Ok(b"\x82\x61a\x61b".to_vec()));
    assert_eq!(client.list(99).await, Err(vec![4, 37, 38, 39, 46]));
}
