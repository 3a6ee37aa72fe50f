//! Parameter and subnet groups, nodes, tags, and the events that tell of them.

use std::time::Duration;

use dax_api as api;
use dax_api::op;

use crate::client::Lab;

fn group(name: &str) -> api::CreateParameterGroupInput {
    api::CreateParameterGroupInput { parameter_group_name: name.to_owned(), ..Default::default() }
}

fn change(name: &str, values: &[(&str, &str)]) -> api::UpdateParameterGroupInput {
    let value = |(name, value): &(&str, &str)| api::ParameterNameValue {
        parameter_name: Some((*name).to_owned()),
        parameter_value: Some((*value).to_owned()),
    };
    let parameter_name_values = values.iter().map(value).collect();
    api::UpdateParameterGroupInput { parameter_group_name: name.to_owned(), parameter_name_values }
}

async fn use_group(lab: &Lab, name: &str) -> api::Cluster {
    let input = api::UpdateClusterInput {
        cluster_name: "c".to_owned(),
        parameter_group_name: Some(name.to_owned()),
        ..Default::default()
    };
    lab.region.call::<op::UpdateCluster>(input).await.expect("a change").cluster.unwrap_or_default()
}

#[tokio::test]
async fn a_group_that_a_cluster_uses_stays_as_it_is() {
    let lab = Lab::new().await;
    lab.region.call::<op::CreateParameterGroup>(group("short")).await.expect("a group");
    lab.region
        .call::<op::UpdateParameterGroup>(change("short", &[("record-ttl-millis", "1000")]))
        .await
        .expect("a change");
    let cluster = use_group(&lab, "short").await;
    assert_eq!(cluster.status.as_deref(), Some("modifying"));
    lab.region.advance(Duration::from_secs(2)).await;
    let refused =
        lab.region.call::<op::UpdateParameterGroup>(change("short", &[("record-ttl-millis", "5")])).await;
    assert_eq!(refused.expect_err("in use").name(), "InvalidParameterGroupStateFault");
    let deletion = || api::DeleteParameterGroupInput { parameter_group_name: "short".to_owned() };
    let refused = lab.region.call::<op::DeleteParameterGroup>(deletion()).await;
    assert_eq!(refused.expect_err("in use").name(), "InvalidParameterGroupStateFault");
    use_group(&lab, "default.dax1.0").await;
    lab.region.advance(Duration::from_secs(2)).await;
    lab.region.call::<op::DeleteParameterGroup>(deletion()).await.expect("a deletion");
    let refused = lab
        .region
        .call::<op::UpdateParameterGroup>(change("default.dax1.0", &[("record-ttl-millis", "5")]))
        .await;
    assert_eq!(refused.expect_err("nobody changes it").name(), "InvalidParameterGroupStateFault");
}

#[tokio::test]
async fn parameters_are_two_and_their_values_milliseconds() {
    let lab = Lab::new().await;
    lab.region.call::<op::CreateParameterGroup>(group("g")).await.expect("a group");
    let again = lab.region.call::<op::CreateParameterGroup>(group("g")).await.expect_err("there is one");
    assert_eq!(again.name(), "ParameterGroupAlreadyExistsFault");
    for values in [
        [("record-ttl-millis", "-1")],
        [("query-ttl-millis", "soon")],
        [("other", "1")],
        [("query-ttl-millis", "1e3")],
    ] {
        let refused =
            lab.region.call::<op::UpdateParameterGroup>(change("g", &values)).await.expect_err("no value");
        assert_eq!(refused.name(), "InvalidParameterValueException", "{values:?}");
    }
    lab.region
        .call::<op::UpdateParameterGroup>(change("g", &[("query-ttl-millis", "0")]))
        .await
        .expect("a change");
    let describe = |source: Option<&str>| api::DescribeParametersInput {
        parameter_group_name: "g".to_owned(),
        source: source.map(str::to_owned),
        ..Default::default()
    };
    let described = lab.region.call::<op::DescribeParameters>(describe(None)).await.expect("parameters");
    let values: Vec<_> = described
        .parameters
        .unwrap_or_default()
        .into_iter()
        .map(|parameter| parameter.parameter_value)
        .collect();
    assert_eq!(values, [Some("0".to_owned()), Some("300000".to_owned())]);
    let own = lab.region.call::<op::DescribeParameters>(describe(Some("user"))).await.expect("parameters");
    assert_eq!(own.parameters.map(|parameters| parameters.len()), Some(1));
    let standard =
        lab.region.call::<op::DescribeDefaultParameters>(Default::default()).await.expect("parameters");
    assert_eq!(standard.parameters.map(|parameters| parameters.len()), Some(2));
    let none = api::DescribeParametersInput { parameter_group_name: "none".to_owned(), ..Default::default() };
    let refused = lab.region.call::<op::DescribeParameters>(none).await.expect_err("no such group");
    assert_eq!(refused.name(), "ParameterGroupNotFoundFault");
}

#[tokio::test]
async fn a_query_time_of_nothing_keeps_no_answers_and_a_record_time_of_nothing_never_ends() {
    let lab = Lab::new().await;
    lab.region.call::<op::CreateParameterGroup>(group("g")).await.expect("a group");
    let values = [("query-ttl-millis", "0"), ("record-ttl-millis", "0")];
    lab.region.call::<op::UpdateParameterGroup>(change("g", &values)).await.expect("a change");
    use_group(&lab, "g").await;
    lab.region.advance(Duration::from_secs(2)).await;
    lab.put_directly("a", "one").await;
    let mut client = lab.connect().await;
    for _ in 0..3 {
        assert_eq!(client.query("a").await.as_deref(), Some("one"));
        assert_eq!(client.get("a").await.as_deref(), Some("one"));
        lab.region.advance(Duration::from_secs(10 * 86_400)).await;
        client.authorize().await;
    }
    assert_eq!((lab.hits("QueryCacheHits"), lab.hits("QueryCacheMisses")), (0.0, 0.0));
    let past_the_kept = client.get("a").await;
    assert_eq!(past_the_kept.as_deref(), Some("one"));
    // The metrics of ten days ago are gone, but no read was made again.
    lab.region.advance(Duration::from_secs(1)).await;
    assert_eq!(lab.hits("ItemCacheMisses"), 1.0);
}

#[tokio::test]
async fn subnet_groups_are_kept_and_their_users_known() {
    let lab = Lab::new().await;
    let create = |name: &str, subnets: &[&str]| api::CreateSubnetGroupInput {
        subnet_group_name: name.to_owned(),
        subnet_ids: subnets.iter().map(|subnet| (*subnet).to_owned()).collect(),
        ..Default::default()
    };
    for subnets in [&[][..], &["net-1"]] {
        assert!(lab.region.call::<op::CreateSubnetGroup>(create("g", subnets)).await.is_err());
    }
    lab.region.call::<op::CreateSubnetGroup>(create("g", &["subnet-1", "subnet-2"])).await.expect("a group");
    let again =
        lab.region.call::<op::CreateSubnetGroup>(create("g", &["subnet-1"])).await.expect_err("there is one");
    assert_eq!(again.name(), "SubnetGroupAlreadyExistsFault");
    lab.create_cluster(|cluster| {
        cluster.cluster_name = "d".to_owned();
        cluster.subnet_group_name = Some("g".to_owned());
    })
    .await;
    let deletion = || api::DeleteSubnetGroupInput { subnet_group_name: "g".to_owned() };
    let refused = lab.region.call::<op::DeleteSubnetGroup>(deletion()).await.expect_err("in use");
    assert_eq!(refused.name(), "SubnetGroupInUseFault");
    let end = api::DeleteClusterInput { cluster_name: "d".to_owned() };
    lab.region.call::<op::DeleteCluster>(end).await.expect("a deletion");
    lab.region.advance(Duration::from_secs(2)).await;
    lab.region.call::<op::DeleteSubnetGroup>(deletion()).await.expect("a deletion");
    let described = lab.region.call::<op::DescribeSubnetGroups>(Default::default()).await.expect("groups");
    let names: Vec<_> = described
        .subnet_groups
        .unwrap_or_default()
        .into_iter()
        .filter_map(|group| group.subnet_group_name)
        .collect();
    assert!(!names.contains(&"g".to_owned()), "{names:?}");
}

#[tokio::test]
async fn nodes_come_and_go() {
    let lab = Lab::new().await;
    let increase = |factor| api::IncreaseReplicationFactorInput {
        cluster_name: "c".to_owned(),
        new_replication_factor: factor,
        ..Default::default()
    };
    let decrease = |factor, nodes: &[&str]| api::DecreaseReplicationFactorInput {
        cluster_name: "c".to_owned(),
        new_replication_factor: factor,
        node_ids_to_remove: (!nodes.is_empty())
            .then(|| nodes.iter().map(|node| (*node).to_owned()).collect()),
        ..Default::default()
    };
    let nodes = async || {
        lab.region.advance(Duration::from_secs(2)).await;
        let described = lab.region.call::<op::DescribeClusters>(Default::default()).await.expect("clusters");
        let cluster = described.clusters.unwrap_or_default().remove(0);
        let nodes = cluster.nodes.unwrap_or_default().into_iter().filter_map(|node| node.node_id);
        (cluster.status.unwrap_or_default(), nodes.collect::<Vec<_>>())
    };
    let refused = lab.region.call::<op::IncreaseReplicationFactor>(increase(12)).await.expect_err("too many");
    assert_eq!(refused.name(), "NodeQuotaForClusterExceededFault");
    for factor in [0, 1] {
        let refused =
            lab.region.call::<op::IncreaseReplicationFactor>(increase(factor)).await.expect_err("not more");
        assert_eq!(refused.name(), "InvalidParameterValueException");
    }
    lab.region.call::<op::IncreaseReplicationFactor>(increase(4)).await.expect("more nodes");
    let now = lab.region.call::<op::IncreaseReplicationFactor>(increase(5)).await.expect_err("under way");
    assert_eq!(now.name(), "InvalidClusterStateFault");
    assert_eq!(
        nodes().await,
        ("available".to_owned(), ["c-a", "c-b", "c-c", "c-d"].map(str::to_owned).to_vec())
    );
    for (factor, named, error) in [
        (4, &[][..], "InvalidParameterValueException"),
        (0, &[], "InvalidParameterValueException"),
        (2, &["c-a"], "InvalidParameterCombinationException"),
        (3, &["c-x"], "NodeNotFoundFault"),
    ] {
        let refused = lab.region.call::<op::DecreaseReplicationFactor>(decrease(factor, named)).await;
        assert_eq!(refused.expect_err("no such change").name(), error, "{factor} {named:?}");
    }
    lab.region.call::<op::DecreaseReplicationFactor>(decrease(3, &["c-b"])).await.expect("fewer nodes");
    assert_eq!(nodes().await.1, ["c-a", "c-c", "c-d"]);
    lab.region.call::<op::DecreaseReplicationFactor>(decrease(1, &[])).await.expect("fewer nodes");
    assert_eq!(nodes().await.1, ["c-a"]);
    // Ids are not given out again.
    lab.region.call::<op::IncreaseReplicationFactor>(increase(2)).await.expect("more nodes");
    assert_eq!(nodes().await.1, ["c-a", "c-e"]);
}

#[tokio::test]
async fn events_tell_what_happened_for_a_while() {
    let lab = Lab::new().await;
    lab.region.advance(Duration::from_secs(1)).await;
    lab.region.call::<op::CreateParameterGroup>(group("g")).await.expect("a group");
    let told = async |input: api::DescribeEventsInput| -> Vec<String> {
        let events = lab.region.call::<op::DescribeEvents>(input).await.expect("events").events;
        events.unwrap_or_default().into_iter().filter_map(|event| event.message).collect()
    };
    let all = told(Default::default()).await;
    assert_eq!(all, ["Cluster creation started.", "Cluster created.", "Parameter group created."]);
    let of_type =
        |kind: &str| api::DescribeEventsInput { source_type: Some(kind.to_owned()), ..Default::default() };
    assert_eq!(told(of_type("PARAMETER_GROUP")).await.len(), 1);
    let named = api::DescribeEventsInput { source_name: Some("c".to_owned()), ..of_type("CLUSTER") };
    assert_eq!(told(named).await.len(), 2);
    lab.region.advance(Duration::from_secs(3700)).await;
    assert_eq!(told(Default::default()).await.len(), 0, "of the last hour");
    let longer = || api::DescribeEventsInput { duration: Some(120), ..Default::default() };
    assert_eq!(told(longer()).await.len(), 3);
    lab.region.advance(Duration::from_secs(15 * 86_400)).await;
    let ever = api::DescribeEventsInput { start_time: Some(kit::START), ..Default::default() };
    assert_eq!(told(ever).await.len(), 0, "of fourteen days");
    let few = api::DescribeEventsInput { max_results: Some(5), ..Default::default() };
    let refused = lab.region.call::<op::DescribeEvents>(few).await.expect_err("too few");
    assert_eq!(refused.name(), "InvalidParameterValueException");
}

#[tokio::test]
async fn encryption_at_rest_and_tags_are_told_and_tls_wants_a_certificate() {
    let lab = Lab::new().await;
    let tag = |key: &str| api::Tag { key: Some(key.to_owned()), value: Some("v".to_owned()) };
    lab.create_cluster(|cluster| {
        cluster.cluster_name = "sealed".to_owned();
        cluster.sse_specification = Some(api::SSESpecification { enabled: true });
        cluster.tags = Some(vec![tag("team")]);
    })
    .await;
    let names =
        api::DescribeClustersInput { cluster_names: Some(vec!["sealed".to_owned()]), ..Default::default() };
    let described = lab
        .region
        .call::<op::DescribeClusters>(names)
        .await
        .expect("clusters")
        .clusters
        .unwrap_or_default()
        .remove(0);
    assert_eq!(described.sse_description.and_then(|sse| sse.status).as_deref(), Some("ENABLED"));
    assert_eq!(described.cluster_endpoint_encryption_type.as_deref(), Some("NONE"));
    let arn = described.cluster_arn.unwrap_or_default();
    let many = api::TagResourceInput {
        resource_name: arn.clone(),
        tags: (0..50).map(|number| tag(&number.to_string())).collect(),
    };
    let refused = lab.region.call::<op::TagResource>(many).await.expect_err("too many");
    assert_eq!(refused.name(), "TagQuotaPerResourceExceeded");
    let none = api::UntagResourceInput { resource_name: arn.clone(), tag_keys: vec!["none".to_owned()] };
    assert_eq!(
        lab.region.call::<op::UntagResource>(none).await.expect_err("no such tag").name(),
        "TagNotFoundFault"
    );
    let listed = lab
        .region
        .call::<op::ListTags>(api::ListTagsInput { resource_name: arn, ..Default::default() })
        .await;
    assert_eq!(listed.expect("tags").tags.unwrap_or_default().len(), 1);
    let wrong = api::ListTagsInput {
        resource_name: "arn:aws:sqs:us-east-1:000000000000:c".to_owned(),
        ..Default::default()
    };
    assert_eq!(
        lab.region.call::<op::ListTags>(wrong).await.expect_err("no cluster").name(),
        "InvalidARNFault"
    );
    let tls = api::CreateClusterInput {
        cluster_name: "tls".to_owned(),
        node_type: "dax.t3.small".to_owned(),
        replication_factor: 1,
        iam_role_arn: crate::client::ROLE.to_owned(),
        cluster_endpoint_encryption_type: Some("TLS".to_owned()),
        ..Default::default()
    };
    let refused = lab.region.call::<op::CreateCluster>(tls).await.expect_err("no certificate");
    assert_eq!(refused.name(), "InvalidParameterCombinationException");
    assert!(refused.message().contains("certificate"));
}

#[tokio::test]
async fn nodes_are_in_the_zones_that_were_named() {
    let lab = Lab::new().await;
    let zones =
        |zones: &[&str]| Some(zones.iter().map(|zone| format!("us-east-1{zone}")).collect::<Vec<_>>());
    lab.create_cluster(|cluster| {
        cluster.cluster_name = "d".to_owned();
        cluster.replication_factor = 3;
        cluster.availability_zones = zones(&["c", "c", "a"]);
    })
    .await;
    let nodes = async || {
        lab.region.advance(Duration::from_secs(2)).await;
        let named =
            api::DescribeClustersInput { cluster_names: Some(vec!["d".to_owned()]), ..Default::default() };
        let described = lab.region.call::<op::DescribeClusters>(named).await.expect("clusters");
        let nodes = described.clusters.unwrap_or_default().remove(0).nodes.unwrap_or_default();
        let place = |node: api::ClusterNode| {
            format!("{} {}", node.node_id.unwrap_or_default(), node.availability_zone.unwrap_or_default())
        };
        nodes.into_iter().map(place).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(nodes().await, "d-a us-east-1c, d-b us-east-1c, d-c us-east-1a");
    let decrease = |factor, named| api::DecreaseReplicationFactorInput {
        cluster_name: "d".to_owned(),
        new_replication_factor: factor,
        availability_zones: named,
        ..Default::default()
    };
    let refused = lab.region.call::<op::DecreaseReplicationFactor>(decrease(1, zones(&["a"]))).await;
    assert_eq!(refused.expect_err("one only").name(), "InvalidParameterCombinationException");
    lab.region.call::<op::DecreaseReplicationFactor>(decrease(2, zones(&["c"]))).await.expect("fewer nodes");
    assert_eq!(nodes().await, "d-a us-east-1c, d-c us-east-1a");
    let increase = |factor, named| api::IncreaseReplicationFactorInput {
        cluster_name: "d".to_owned(),
        new_replication_factor: factor,
        availability_zones: named,
    };
    for (named, error) in [
        (zones(&["a", "b"]), "InvalidParameterCombinationException"),
        (zones(&["z"]), "InvalidParameterValueException"),
    ] {
        let refused = lab.region.call::<op::IncreaseReplicationFactor>(increase(3, named)).await;
        assert_eq!(refused.expect_err("no such zones").name(), error);
    }
    lab.region.call::<op::IncreaseReplicationFactor>(increase(3, zones(&["b"]))).await.expect("more nodes");
    assert_eq!(nodes().await, "d-a us-east-1c, d-c us-east-1a, d-d us-east-1b");
}

#[tokio::test]
async fn what_the_region_has_not_is_refused_by_name() {
    let lab = Lab::new().await;
    let cluster = || api::CreateClusterInput {
        cluster_name: "d".to_owned(),
        node_type: "dax.t3.small".to_owned(),
        replication_factor: 1,
        iam_role_arn: crate::client::ROLE.to_owned(),
        ..Default::default()
    };
    let ipv6 = api::CreateClusterInput { network_type: Some("ipv6".to_owned()), ..cluster() };
    let sealed =
        api::CreateClusterInput { cluster_endpoint_encryption_type: Some("SSL".to_owned()), ..cluster() };
    let large = api::CreateClusterInput { node_type: "dax.x9.huge".to_owned(), ..cluster() };
    let strange = api::CreateClusterInput { iam_role_arn: "arn:aws:iam::1:user/u".to_owned(), ..cluster() };
    let groups = api::CreateClusterInput { parameter_group_name: Some("none".to_owned()), ..cluster() };
    let subnets = api::CreateClusterInput { subnet_group_name: Some("none".to_owned()), ..cluster() };
    for (input, name, word) in [
        (ipv6, "InvalidParameterCombinationException", "ipv6"),
        (sealed, "InvalidParameterValueException", "SSL"),
        (large, "InvalidParameterValueException", "dax.x9.huge"),
        (strange, "InvalidParameterValueException", "role"),
        (groups, "ParameterGroupNotFoundFault", "none"),
        (subnets, "SubnetGroupNotFoundFault", "none"),
    ] {
        let refused = lab.region.call::<op::CreateCluster>(input).await.expect_err("no such cluster");
        assert_eq!(refused.name(), name);
        assert!(refused.message().contains(word), "{}", refused.message());
    }
}
