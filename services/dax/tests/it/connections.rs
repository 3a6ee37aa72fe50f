//! Connections: many of them, ones that end with their cluster, and ones that say what is no request.

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
        assert!(answer.ends_with(key.as_bytes()), "{key}: {answer:?}");
    }
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
    assert!(client.answer().await.expect("an item").ends_with(b"one"));
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
async fn what_is_no_client_of_dax_is_hung_up_on() {
    let lab = Lab::new().await;
    for greeting in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x67J7yne5X\x00\xF6\xA0\x00",
        b"\x67J7yne5G\x01\xF6\xA0\x00",
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
