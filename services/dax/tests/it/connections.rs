//! Connections: many of them, ones that end with their cluster, and ones that say what is no request.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dax_api::op as dax_op;
use dax_api::{DeleteClusterInput, DescribeEventsInput, RebootNodeInput};
use proptest::prelude::*;

use crate::client::{AUTHORIZE, BATCH_WRITE, Client, ENDPOINTS, GET, Lab, SCAN, request};

const INVALID: [i64; 5] = [4, 37, 38, 39, 46];

#[tokio::test]
async fn a_thousand_clients_are_served_at_once() {
    let lab = Lab::new().await;
    lab.put_directly("a", "one").await;
    let mut clients = Vec::new();
    for _ in 0..1000 {
        clients.push(lab.connect().await);
    }
    for client in &mut clients {
        assert_eq!(client.get("a").await.as_deref(), Some("one"));
    }
    assert_eq!(lab.hits("ItemCacheHits"), 999.0);
    lab.put_directly("a", "two").await;
    for client in &mut clients {
        assert_eq!(client.get("a").await.as_deref(), Some("two"));
    }
}

#[tokio::test]
async fn requests_that_come_together_are_answered_in_their_order() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    let keys: Vec<String> = (0..50).map(|number| format!("k{number}")).collect();
    for key in &keys {
        lab.put_directly(key, key).await;
    }
    let mut all = Vec::new();
    for key in &keys {
        all.extend(request(GET, |out| {
            out.bytes(b"orders");
            out.bytes(key.as_bytes());
            out.null();
        }));
    }
    client.send(&all).await;
    let answers = client.answers(keys.len()).await;
    for (key, answer) in keys.iter().zip(answers) {
        assert!(answer.ends_with(&[key.as_bytes(), &[0xFF]].concat()), "{key}: {answer:?}");
    }
}

#[tokio::test]
async fn who_asks_for_much_and_reads_nothing_is_waited_for() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    let large = "x".repeat(300 << 10);
    client.put("a", &large).await;
    let get = request(GET, |out| {
        out.bytes(b"orders");
        out.bytes(b"a");
        out.null();
    });
    client.send(&get.repeat(400)).await;
    lab.region.settle().await;
    // The connection holds a mebibyte; what was answered is that and a little more.
    let answered = lab.hits("ItemCacheHits");
    assert!((3.0..8.0).contains(&answered), "{answered}");
    let mut other = lab.connect().await;
    assert_eq!(other.get("a").await.map(|value| value.len()), Some(large.len()));
    // Success, the map and its end, the item's number, its head of five bytes, the list's id, the text with its head.
    let length = 1 + 2 + 1 + 5 + 1 + 5 + large.len();
    for _ in 0..400 {
        client.bytes(length).await;
    }
    assert_eq!(lab.hits("ItemCacheHits"), 401.0);
}

#[tokio::test]
async fn a_request_may_come_byte_by_byte() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    let bytes = request(GET, |out| {
        out.bytes(b"orders");
        out.bytes(b"a");
        out.null();
    });
    for byte in bytes {
        client.send(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert!(client.answer().await.expect("an item").ends_with(b"one\xFF"));
}

#[tokio::test]
async fn connections_end_with_their_cluster() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    let deletion = DeleteClusterInput { cluster_name: "c".to_owned() };
    lab.region.call::<dax_op::DeleteCluster>(deletion).await.expect("a deletion");
    lab.region.advance(Duration::from_secs(2)).await;
    let asks = request(ENDPOINTS, |_| ());
    assert!(!client.try_send(&asks).await || client.is_closed().await);
    // A later cluster of the name knows nothing of what this one kept.
    lab.create_cluster(|_| ()).await;
    let mut client = lab.connect().await;
    let misses = lab.hits("ItemCacheMisses");
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    assert_eq!(lab.hits("ItemCacheMisses"), misses + 1.0);
}

#[tokio::test]
async fn a_node_that_restarts_leaves_the_contents_of_the_cache() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    let reboot = |node: &str| RebootNodeInput { cluster_name: "c".to_owned(), node_id: node.to_owned() };
    let refused = lab.region.call::<dax_op::RebootNode>(reboot("c-z")).await.expect_err("no such node");
    assert_eq!(refused.name(), "NodeNotFoundFault");
    let rebooting = lab.region.call::<dax_op::RebootNode>(reboot("c-a")).await.expect("a restart");
    let cluster = rebooting.cluster.unwrap_or_default();
    let node = cluster.nodes.unwrap_or_default().remove(0);
    assert_eq!(node.node_status.as_deref(), Some("rebooting"));
    let again = lab.region.call::<dax_op::RebootNode>(reboot("c-a")).await.expect_err("not now");
    assert_eq!(again.name(), "InvalidClusterStateFault");
    lab.region.advance(Duration::from_secs(2)).await;
    assert_eq!(lab.status().await, "available");
    let mut client = lab.connect().await;
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
    assert_eq!(lab.hits("ItemCacheMisses"), 0.0);
    let events = lab.region.call::<dax_op::DescribeEvents>(DescribeEventsInput::default()).await;
    let events = events.expect("events").events.unwrap_or_default();
    assert!(events.iter().any(|event| event.message.as_deref() == Some("Node c-a restarts.")));
}

#[tokio::test]
async fn a_client_that_wants_its_answers_in_frames_gets_them_so() {
    let lab = Lab::new().await;
    lab.put_directly("a", "one").await;
    let get = request(GET, |out| {
        out.bytes(b"orders");
        out.bytes(b"a");
        out.null();
    });
    let mut bare = lab.connect().await;
    let mut expected = vec![0x80];
    expected.extend(bare.call(&get).await.expect("an item"));
    let mut client = lab.dial();
    client.send(b"\x67J7yne5G\x01\xF6\xA1\x69UserAgent\x64test\x00").await;
    client.authorize().await;
    client.send(&[get.clone(), get].concat()).await;
    let length = expected.len() + 8;
    for _ in 0..2 {
        let frame = client.bytes(length).await;
        assert_eq!(frame[..8], [0, 0, 0, length as u8, 1, 0, 0, 0]);
        assert_eq!(frame[8..], expected);
    }
    client.send(&request(GET, |out| (0..3).for_each(|_| out.integer(7)))).await;
    let header = client.bytes(8).await;
    let rest = usize::from(header[3]) - 8;
    assert_eq!(client.bytes(rest).await[0], 0x85, "an error of five codes");
}

#[tokio::test]
async fn what_is_no_client_of_dax_is_hung_up_on() {
    let lab = Lab::new().await;
    for greeting in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x67J7yne5X\x00\xF6\xA0\x00",
        b"\x67J7yne5G\x02\xF6\xA0\x00",
        &[0; 64],
    ] {
        let mut client = lab.dial();
        client.send(greeting).await;
        assert!(client.is_closed().await, "{greeting:?}");
    }
}

#[tokio::test]
async fn a_request_of_an_unknown_method_ends_the_connection_and_one_that_cannot_be_read_does_not() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    // Three arguments, as GetItem has them, but none of what it wants.
    let strange = request(GET, |out| (0..3).for_each(|_| out.integer(7)));
    assert_eq!(client.call(&strange).await, Err(INVALID.to_vec()));
    assert_eq!(client.get("a").await, None);
    client.send(&request(4711, |_| ())).await;
    assert!(client.is_closed().await);
}

#[tokio::test]
async fn nobody_makes_the_region_hold_more_than_a_request_can_be() {
    let lab = Lab::new().await;
    // A stranger may say who it is, and no more.
    let mut stranger = lab.connect_unauthorized().await;
    let head = request(BATCH_WRITE, |out| out.map(1));
    stranger.send(&head).await;
    assert!(overflows(&mut stranger).await <= 256 << 10);
    // A client that is known may send what a request can be.
    let mut client = lab.connect().await;
    client.send(&request(SCAN, |out| out.bytes(b"orders"))).await;
    let sent = overflows(&mut client).await;
    assert!((4 << 20..8 << 20).contains(&sent), "{sent}");
    let mut client = lab.connect().await;
    client.send(&head).await;
    let sent = overflows(&mut client).await;
    assert!((17 << 20..20 << 20).contains(&sent), "{sent}");
}

/// How much of an endless value a client can send until it is hung up on.
async fn overflows(client: &mut Client) -> usize {
    let piece = vec![0xF6; 64 << 10];
    let mut sent = 0;
    client.send(&[0x9F]).await;
    while sent < 64 << 20 && client.try_send(&piece).await {
        sent += piece.len();
        tokio::task::yield_now().await;
    }
    sent
}

#[tokio::test]
async fn authorizations_end_and_are_said_again() {
    let lab = Lab::new().await;
    let mut client = lab.connect().await;
    client.put("a", "one").await;
    // What is wrong with an authorization is the answer to the next request.
    client.send(&request(AUTHORIZE, |out| (0..5).for_each(|_| out.null()))).await;
    assert_eq!(client.answer().await, Err(INVALID.to_vec()));
    assert_eq!(client.get("a").await.as_deref(), Some("one"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bytes_of_any_sort_harm_nobody_else(streams in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..400), 8)) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().expect("a runtime").block_on(async {
            let lab = Lab::new().await;
            let mut client = lab.connect().await;
            client.put("a", "one").await;
            for (number, bytes) in streams.iter().enumerate() {
                let mut strange = if number % 2 == 0 { lab.dial() } else { lab.connect().await };
                let _ = strange.try_send(bytes).await;
                lab.region.settle().await;
                assert_eq!(client.get("a").await.as_deref(), Some("one"));
            }
        });
    }
}

/// Ports as a machine has them on which others listen as well.
#[derive(Default)]
struct Shared {
    open: Mutex<Vec<u16>>,
    others: Mutex<Vec<u16>>,
}

impl Shared {
    fn is_others(&self, number: u16) -> bool {
        self.others.lock().expect("no test panicked").contains(&number)
    }
}

impl cloud::Ports for Shared {
    fn host(&self) -> String {
        "127.0.0.1".to_owned()
    }

    fn has_tls(&self) -> bool {
        true
    }

    fn is_free(&self, number: u16) -> bool {
        !self.is_others(number) && !self.open.lock().expect("no test panicked").contains(&number)
    }

    fn open(&self, port: cloud::Port, _: cloud::ServeConnection) -> Result<(), shapes::ApiError> {
        if self.is_others(port.number) {
            return Err(shapes::ApiError::internal("address in use"));
        }
        let mut open = self.open.lock().expect("no test panicked");
        if !open.contains(&port.number) {
            open.push(port.number);
        }
        Ok(())
    }

    fn close(&self, number: u16) {
        self.open.lock().expect("no test panicked").retain(|open| *open != number);
    }

    fn list(&self) -> Vec<(cloud::Port, usize)> {
        let port = |number: &u16| cloud::Port {
            number: *number,
            owner: String::new(),
            is_tls: false,
            connections: 0,
        };
        let open = self.open.lock().expect("no test panicked");
        open.iter().map(|number| (port(number), 0)).collect()
    }
}

#[tokio::test]
async fn a_port_that_somebody_takes_before_it_is_opened_is_replaced() {
    let lab = Lab::new().await;
    let ports = Arc::new(Shared::default());
    lab.region.cloud.set_ports(Arc::clone(&ports) as Arc<dyn cloud::Ports>);
    let input = dax_api::CreateClusterInput {
        cluster_name: "d".to_owned(),
        node_type: "dax.t3.small".to_owned(),
        replication_factor: 2,
        iam_role_arn: crate::client::ROLE.to_owned(),
        cluster_endpoint_encryption_type: Some("TLS".to_owned()),
        ..Default::default()
    };
    let created = lab.region.call::<dax_op::CreateCluster>(input).await.expect("a cluster");
    let created = created.cluster.unwrap_or_default();
    assert!(created.cluster_discovery_endpoint.is_none(), "no port is sure yet");
    // The discovery endpoint's and the first node's.
    *ports.others.lock().expect("no test panicked") = vec![9111, 9112];
    lab.region.advance(Duration::from_secs(2)).await;
    let named =
        dax_api::DescribeClustersInput { cluster_names: Some(vec!["d".to_owned()]), ..Default::default() };
    let described = lab.region.call::<dax_op::DescribeClusters>(named).await.expect("clusters");
    let cluster = described.clusters.unwrap_or_default().remove(0);
    assert_eq!(cluster.status.as_deref(), Some("available"));
    let endpoint = cluster.cluster_discovery_endpoint.unwrap_or_default();
    let url = endpoint.url.unwrap_or_default();
    assert!(url.starts_with("daxs://127.0.0.1:91"), "{url}");
    let nodes = cluster.nodes.unwrap_or_default();
    let numbers = nodes.iter().filter_map(|node| node.endpoint.as_ref()?.port).chain(endpoint.port);
    let mut numbers: Vec<u16> = numbers.filter_map(|port| u16::try_from(port).ok()).collect();
    numbers.sort_unstable();
    let mut open = ports.open.lock().expect("no test panicked").clone();
    open.sort_unstable();
    assert_eq!(numbers, open);
    assert_eq!(open, [9113, 9114, 9115]);
}
