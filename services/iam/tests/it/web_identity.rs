//! Web identities: tokens of a provider, which is a listener of the test's own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use iam_api::CreateOpenIDConnectProviderInput;
use iam_api::op::CreateOpenIDConnectProvider;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use shapes::ApiError;
use sts_api::op::AssumeRoleWithWebIdentity;
use sts_api::{AssumeRoleWithWebIdentityInput, AssumeRoleWithWebIdentityOutput};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::kit::{Subject, trust_if};

struct Provider {
    url: String,
    key: EcdsaKeyPair,
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("the same key");
        let point = key.public_key().as_ref();
        let keys = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "kid": "one", "use": "sig",
            "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]),
        }]});
        let configuration = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = [0; 2048];
                let count = connection.read(&mut request).await.unwrap_or_default();
                let is_keys = request[..count].starts_with(b"GET /keys ");
                let body = if is_keys { &keys } else { &configuration }.to_string();
                let length = body.len();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
                let _ = connection.write_all(answer.as_bytes()).await;
            }
        });
        Self { url, key }
    }

    fn token(&self, claims: Value) -> String {
        let mut all =
            json!({ "iss": self.url, "aud": "app", "sub": "user-17", "exp": ::kit::START.seconds() + 600 });
        for (name, value) in claims.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        let signed = format!("{}.{}", encoded(&json!({ "alg": "ES256", "kid": "one" })), encoded(&all));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    fn arn(&self) -> String {
        format!("arn:aws:iam::000000000000:oidc-provider/{}", self.host())
    }
}

/// A region whose role `visitor` trusts the provider's user-17.
async fn start() -> (Subject, Provider) {
    let (subject, provider) = (Subject::start(), Provider::start().await);
    let input = CreateOpenIDConnectProviderInput {
        url: provider.url.clone(),
        client_id_list: Some(vec!["app".to_owned()]),
        ..Default::default()
    };
    let created = subject.call::<CreateOpenIDConnectProvider>(input).await.expect("a new provider");
    assert_eq!(created.open_id_connect_provider_arn, Some(provider.arn()));
    let trust = trust_if(
        &format!(r#"{{"Federated":"{}"}}"#, provider.arn()),
        r#"["sts:AssumeRoleWithWebIdentity","sts:TagSession"]"#,
        &format!(r#"{{"StringEquals":{{"{0}:sub":"user-17","{0}:aud":"app"}}}}"#, provider.host()),
    );
    subject.role("visitor", &trust).await.expect("a new role");
    (subject, provider)
}

async fn assume(subject: &Subject, token: String) -> Result<AssumeRoleWithWebIdentityOutput, ApiError> {
    let input = AssumeRoleWithWebIdentityInput {
        role_arn: "arn:aws:iam::000000000000:role/visitor".to_owned(),
        role_session_name: "visit".to_owned(),
        web_identity_token: token,
        ..Default::default()
    };
    let ctx = subject.region.context(identity::Principal::Anonymous, identity::AccountId::DEFAULT);
    ctx.call::<AssumeRoleWithWebIdentity>(input).await
}

#[tokio::test]
async fn somebody_whom_a_provider_knows_assumes_a_role() {
    let (subject, provider) = start().await;
    let tags = json!({ "principal_tags": { "team": ["blue"] }, "transitive_tag_keys": ["team"] });
    let token = provider.token(json!({ "https://aws.amazon.com/tags": tags }));
    let answer = assume(&subject, token).await.expect("the role trusts user-17");
    assert_eq!(answer.subject_from_web_identity_token.as_deref(), Some("user-17"));
    assert_eq!((answer.provider, answer.audience.as_deref()), (Some(provider.url.clone()), Some("app")));
    let id = answer.credentials.expect("credentials").access_key_id;
    let session = subject.credential(&id).expect("a session's key");
    assert_eq!(session.actor.principal.arn(), "arn:aws:sts::000000000000:assumed-role/visitor/visit");
    assert_eq!(session.actor.session.federated_provider.as_deref(), Some(provider.arn().as_str()));
    assert_eq!(session.actor.session.tags, [("team".into(), "blue".into())]);
}

#[tokio::test]
async fn tokens_of_others_and_for_others_are_refused() {
    let (subject, provider) = start().await;
    let code = async |token: String| {
        let refused = assume(&subject, token).await.expect_err("it is not what the role trusts");
        (refused.code().to_owned(), refused.status())
    };
    let stranger = Provider::start().await;
    assert_eq!(code(stranger.token(json!({}))).await.0, "InvalidIdentityToken", "nobody knows the provider");
    let forged = stranger.token(json!({ "iss": provider.url }));
    assert_eq!(code(forged).await.0, "InvalidIdentityToken", "the signature is another's");
    assert_eq!(code(provider.token(json!({ "aud": "other" }))).await.0, "InvalidIdentityToken");
    let over = json!({ "exp": ::kit::START.seconds() });
    assert_eq!(code(provider.token(over)).await.0, "ExpiredTokenException");
    assert_eq!(code(provider.token(json!({ "sub": "user-18" }))).await, ("AccessDenied".to_owned(), 403));
    assert_eq!(code("no token".to_owned()).await.0, "InvalidIdentityToken");
}
