//! Connections and API destinations: a receiver on loopback, and tokens and rates on the stepped clock.

use std::time::Duration;

use events_api::op::{
    CreateApiDestination, CreateConnection, DeauthorizeConnection, DescribeApiDestination, DescribeConnection,
};
use events_api::{
    ConnectionBodyParameter, ConnectionHeaderParameter, ConnectionHttpParameters,
    ConnectionQueryStringParameter, CreateApiDestinationInput, CreateConnectionApiKeyAuthRequestParameters,
    CreateConnectionAuthRequestParameters, CreateConnectionBasicAuthRequestParameters, CreateConnectionInput,
    CreateConnectionOAuthClientRequestParameters, CreateConnectionOAuthRequestParameters,
    DeauthorizeConnectionInput, DescribeApiDestinationInput, DescribeConnectionInput, HttpParameters, Target,
};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::kit::{Region, target};

const ROLE: &str = "arn:aws:iam::000000000000:role/caller";

/// A web server that gives tokens with numbers at `/token`, and answers one status after the other elsewhere, the last one
/// from then on.
struct Outside {
    url: String,
    requests: mpsc::Receiver<Asked>,
}

struct Asked {
    head: String,
    body: String,
}

impl Asked {
    fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Outside {
    async fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let (sender, requests) = mpsc::channel(256);
        tokio::spawn(async move {
            let (mut tokens, mut turn) = (0, 0);
            loop {
                let Ok((mut connection, _)) = listener.accept().await else { return };
                let asked = read(&mut connection).await;
                let (status, body) = if asked.target() == "/token" {
                    tokens += 1;
                    (200, format!(r#"{{"access_token":"token-{tokens}","expires_in":3600}}"#))
                } else {
                    turn += 1;
                    (statuses[usize::min(turn - 1, statuses.len() - 1)], String::new())
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                );
                let _ = connection.write_all(answer.as_bytes()).await;
                if sender.send(asked).await.is_err() {
                    return;
                }
            }
        });
        Self { url, requests }
    }

    /// Waits for the next request; how long that takes is the network's matter.
    async fn next(&mut self) -> Asked {
        self.requests.recv().await.expect("the receiver runs")
    }
}

async fn read(connection: &mut TcpStream) -> Asked {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let asked = Asked { head: head.to_owned(), body: body.to_owned() };
            let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if body.len() >= length {
                return asked;
            }
        }
        let mut chunk = [0; 4096];
        match connection.read(&mut chunk).await {
            Ok(0) | Err(_) => return Asked { head: text, body: String::new() },
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
}

/// Waits until no job is due: what was sent over the network was answered.
async fn until_settled(region: &Region) {
    let jobs = clock::Jobs::new(region.region.cloud.store().clone());
    let now = region.region.clock.now();
    while jobs.list(10).expect("jobs can be listed").iter().any(|(id, _)| id.due <= now) {
        tokio::task::yield_now().await;
    }
}

/// A rule of the default bus whose events go outside by a connection.
async fn connect(
    region: &Region,
    kind: &str,
    parameters: CreateConnectionAuthRequestParameters,
    url: &str,
    rate: Option<i32>,
) -> Target {
    let input = CreateConnectionInput {
        name: "outside".to_owned(),
        authorization_type: kind.to_owned(),
        auth_parameters: parameters,
        ..Default::default()
    };
    let connection = region.region.call::<CreateConnection>(input).await.expect("the connection is new");
    let input = CreateApiDestinationInput {
        name: "outside".to_owned(),
        connection_arn: connection.connection_arn.expect("it has an ARN"),
        http_method: "POST".to_owned(),
        invocation_endpoint: url.to_owned(),
        invocation_rate_limit_per_second: rate,
        ..Default::default()
    };
    let made = region.region.call::<CreateApiDestination>(input).await.expect("the destination is new");
    let arn = made.api_destination_arn.expect("it has an ARN");
    let input_path = Some("$.detail".to_owned());
    Target { role_arn: Some(ROLE.to_owned()), input_path, ..target("outside", &arn) }
}

fn api_key() -> CreateConnectionAuthRequestParameters {
    CreateConnectionAuthRequestParameters {
        api_key_auth_parameters: Some(CreateConnectionApiKeyAuthRequestParameters {
            api_key_name: "X-Key".to_owned(),
            api_key_value: "k1".to_owned(),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn requests_carry_the_password_and_all_parameters_and_are_made_again() {
    let region = Region::start();
    let mut outside = Outside::start(&[503, 200]).await;
    let (text, yes) = (|text: &str| Some(text.to_owned()), Some(true));
    let parameters = CreateConnectionAuthRequestParameters {
        basic_auth_parameters: Some(CreateConnectionBasicAuthRequestParameters {
            username: "ada".to_owned(),
            password: "s3cret".to_owned(),
        }),
        invocation_http_parameters: Some(ConnectionHttpParameters {
            header_parameters: Some(vec![ConnectionHeaderParameter {
                key: text("X-Shop"),
                value: text("7"),
                is_value_secret: yes,
            }]),
            query_string_parameters: Some(vec![ConnectionQueryStringParameter {
                key: text("v"),
                value: text("1&2"),
                is_value_secret: None,
            }]),
            body_parameters: Some(vec![ConnectionBodyParameter {
                key: text("from"),
                value: text("brume"),
                is_value_secret: None,
            }]),
        }),
        ..Default::default()
    };
    let url = format!("{}/orders/*", outside.url);
    let mut target = connect(&region, "BASIC", parameters, &url, None).await;
    target.http_parameters = Some(HttpParameters {
        path_parameter_values: Some(vec!["a b".to_owned()]),
        query_string_parameters: Some([("q".to_owned(), "x".to_owned())].into()),
        ..Default::default()
    });
    region.shop_rule(target).await;
    region.put_shop(r#"{"n":1}"#).await;
    let first = outside.next().await;
    until_settled(&region).await;
    region.region.advance(Duration::from_secs(5)).await;
    let again = outside.next().await;
    for asked in [first, again] {
        assert_eq!(asked.target(), "/orders/a%20b?q=x&v=1%262");
        assert_eq!(asked.header("authorization"), Some("Basic YWRhOnMzY3JldA=="));
        assert_eq!(asked.header("x-shop"), Some("7"));
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        assert_eq!(body, serde_json::json!({"n": 1, "from": "brume"}));
    }
    let input = DescribeConnectionInput { name: "outside".to_owned() };
    let told = region.region.call::<DescribeConnection>(input).await.unwrap();
    assert_eq!(told.connection_state.as_deref(), Some("AUTHORIZED"));
    assert!(!format!("{told:?}").contains("s3cret"), "secrets are told to nobody again");
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_anew_when_it_ends() {
    let region = Region::start();
    let mut outside = Outside::start(&[200]).await;
    let parameters = CreateConnectionAuthRequestParameters {
        o_auth_parameters: Some(CreateConnectionOAuthRequestParameters {
            client_parameters: CreateConnectionOAuthClientRequestParameters {
                client_id: "me".to_owned(),
                client_secret: "hush".to_owned(),
            },
            authorization_endpoint: format!("{}/token", outside.url),
            http_method: "POST".to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let url = format!("{}/hook", outside.url);
    let target = connect(&region, "OAUTH_CLIENT_CREDENTIALS", parameters, &url, None).await;
    let asked = outside.next().await;
    assert_eq!(asked.target(), "/token");
    assert_eq!(asked.body, "client_id=me&client_secret=hush&grant_type=client_credentials");
    region.shop_rule(target).await;
    for _ in 0..2 {
        region.put_shop("{}").await;
        let asked = outside.next().await;
        assert_eq!(asked.header("authorization"), Some("Bearer token-1"));
        until_settled(&region).await;
        // The next call's turn: a destination has a rate without asking for one.
        region.region.advance(Duration::from_secs(1)).await;
    }
    region.region.advance(Duration::from_secs(3600)).await;
    region.put_shop("{}").await;
    assert_eq!(outside.next().await.target(), "/token");
    assert_eq!(outside.next().await.header("authorization"), Some("Bearer token-2"));
}

#[tokio::test]
async fn calls_keep_the_rate_of_their_destination() {
    let region = Region::start();
    let mut outside = Outside::start(&[200]).await;
    let url = format!("{}/hook", outside.url);
    let target = connect(&region, "API_KEY", api_key(), &url, Some(2)).await;
    region.shop_rule(target).await;
    for _ in 0..6 {
        region.put_shop("{}").await;
    }
    let mut seen = 0;
    for second in 0..3 {
        // Two in each second: one at its begin and one half a second later.
        for _ in 0..2 {
            until_settled(&region).await;
            assert_eq!(outside.next().await.header("x-key"), Some("k1"));
            seen += 1;
            assert!(outside.requests.try_recv().is_err(), "no more than {seen} by second {second}");
            region.region.advance(Duration::from_millis(500)).await;
        }
    }
    until_settled(&region).await;
    assert!(outside.requests.try_recv().is_err());
}

#[tokio::test]
async fn a_connection_that_is_no_longer_authorized_lets_nothing_through() {
    let region = Region::start();
    let mut outside = Outside::start(&[200]).await;
    let url = format!("{}/hook", outside.url);
    let mut target = connect(&region, "API_KEY", api_key(), &url, None).await;
    let dead = region.create_queue("dead").await;
    target.dead_letter_config = Some(events_api::DeadLetterConfig { arn: Some(dead) });
    region.shop_rule(target).await;
    let input = DeauthorizeConnectionInput { name: "outside".to_owned() };
    region.region.call::<DeauthorizeConnection>(input).await.unwrap();
    region.put_shop("{}").await;
    until_settled(&region).await;
    assert!(outside.requests.try_recv().is_err());
    assert_eq!(region.bodies("dead").await.len(), 1, "and it is not tried again");
    let input = DescribeApiDestinationInput { name: "outside".to_owned() };
    let told = region.region.call::<DescribeApiDestination>(input).await.unwrap();
    assert_eq!(told.api_destination_state.as_deref(), Some("INACTIVE"));
}
