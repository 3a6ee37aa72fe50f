mod asymmetric;
mod botocore;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SIGNED_AT: i64 = 1_440_938_160;

struct Case {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Case {
    /// Reads the suite's form of a request, with folded header lines.
    fn parse(text: &str) -> Self {
        let text = text.replace("\r\n", "\n");
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.trim_end().lines();
        let line = lines.next().unwrap().trim_end_matches(" HTTP/1.1");
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            match (line.starts_with(' '), line.split_once(':')) {
                (false, Some((name, value))) => headers.push((name.to_owned(), value.to_owned())),
                _ => headers.last_mut().unwrap().1.push_str(&format!("\n{line}")),
            }
        }
        let owned = |text: &str| text.to_owned();
        Self { method: owned(method), path: owned(path), query: owned(query), headers, body: owned(body) }
    }

    fn view(&self) -> RequestView<'_> {
        let Self { method, path, query, headers, .. } = self;
        RequestView { method, path, query, headers, authority: None }
    }

    fn payload(&self) -> Payload<'_> {
        Payload::Body(self.body.as_bytes())
    }
}

fn signer() -> Signer<'static> {
    Signer {
        access_key: KEY,
        secret: SECRET,
        token: None,
        region: "us-east-1",
        service: "service",
        rule: PathRule::Normalised,
        keys: None,
    }
}

fn cases(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            cases(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "req") {
            found.push(path);
        }
    }
}

/// AWS's own suite, where it is at hand.
#[test]
fn the_published_vectors_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/sigv4");
    if !folder.is_dir() {
        println!("skipped: no vectors at shared/vectors/sigv4 beside the repository");
        return;
    }
    let mut found = Vec::new();
    cases(&folder, &mut found);
    assert!(found.len() >= 30, "the suite has more than thirty cases, found {}", found.len());
    for path in &found {
        check_vector(path);
    }
    println!("{} vectors hold, none skipped", found.len());
}

/// Its .req lacks the token that its other files have, and its .sreq carries the signature of get-vanilla: slips of
/// the suite's.
const TOKEN_AFTERWARDS: &str = "get-vanilla-with-session-token";

fn check_vector(path: &Path) {
    let name = path.file_stem().unwrap().to_string_lossy().into_owned();
    let read = |extension: &str| {
        let text = std::fs::read_to_string(path.with_extension(extension)).unwrap();
        text.replace("\r\n", "\n")
    };
    let (expected, authz) = (read("creq"), read("authz"));
    let mut signed = Case::parse(&read("sreq"));
    let mut case = Case::parse(&read("req"));
    if name == TOKEN_AFTERWARDS {
        case.headers.push(signed.headers[2].clone());
    }
    let (_, rest) = authz.split_once("SignedHeaders=").unwrap();
    let (signed_headers, _) = rest.split_once(',').unwrap();
    let canonical = canonical_request(&case.view(), signed_headers, case.payload(), PathRule::Normalised);
    assert_eq!(canonical, expected, "canonical request of {name}");
    let to_sign = string_to_sign(&canonical, SIGNED_AT, "us-east-1", "service");
    assert_eq!(to_sign, read("sts"), "string to sign of {name}");
    let added = signer().sign(&case.view(), case.payload(), SIGNED_AT);
    assert_eq!(
        added.last().unwrap(),
        &("authorization", authz.trim_end().to_owned()),
        "authorization of {name}"
    );
    if name == TOKEN_AFTERWARDS {
        println!(
            "{name}: its .sreq carries another signature than its .authz, which is verified in its place"
        );
        signed.headers.last_mut().unwrap().1 = authz.clone();
    }
    let outcome = verify(&signed, SECRET, SIGNED_AT + 60);
    assert!(outcome.is_ok(), "verification of {name}: {outcome:?}");
    assert!(matches!(verify(&signed, "another", SIGNED_AT), Err(SignatureError::Mismatch(_))), "{name}");
}

fn verify(case: &Case, secret: &str, now: i64) -> Result<Verified, SignatureError> {
    verify_as(case, secret, now, PathRule::Normalised)
}

fn verify_as(case: &Case, secret: &str, now: i64, rule: PathRule) -> Result<Verified, SignatureError> {
    let view = case.view();
    let auth = Authentication::of(&view)?.ok_or(SignatureError::MissingAuthenticationToken)?;
    auth.verify(&view, case.payload(), secret, rule, now, &KeyCache::with_slots(4))
}

fn signed_case() -> Case {
    let mut case = Case::parse(
        "POST /a/b?x=1&y=2 HTTP/1.1\nHost:example.amazonaws.com\nContent-Type:text/plain\n\nhello",
    );
    sign(&mut case, signer());
    case
}

fn sign(case: &mut Case, signer: Signer<'_>) {
    let added = signer.sign(&case.view(), case.payload(), SIGNED_AT);
    case.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn any_change_breaks_a_signature() {
    assert!(verify(&signed_case(), SECRET, SIGNED_AT).is_ok());
    type Change = fn(&mut Case);
    let changes: [(&str, Change); 9] = [
        ("method", |case| case.method = "PUT".into()),
        ("path", |case| case.path.push('c')),
        ("query", |case| case.query = "x=1&y=3".into()),
        ("added parameter", |case| case.query.push_str("&z=1")),
        ("body", |case| case.body.push('!')),
        ("host", |case| case.headers[0].1 = "evil.example.com".into()),
        ("type", |case| case.headers[1].1 = "text/html".into()),
        ("repeated header", |case| case.headers.push(("content-type".into(), "text/html".into()))),
        ("signature", |case| {
            let authorization = &mut case.headers.last_mut().unwrap().1;
            let last = authorization.pop().unwrap();
            authorization.push(if last == '0' { '1' } else { '0' });
        }),
    ];
    for (what, change) in changes {
        let mut case = signed_case();
        change(&mut case);
        let outcome = verify(&case, SECRET, SIGNED_AT);
        assert!(matches!(outcome, Err(SignatureError::Mismatch(_))), "{what}: {outcome:?}");
    }
}

#[test]
fn equal_spellings_verify_alike() {
    let mut case = signed_case();
    case.query = "y=%32&x=1".into();
    case.headers[1].1 = "  text/plain ".into();
    assert!(verify(&case, SECRET, SIGNED_AT).is_ok());
}

#[test]
fn clocks_may_be_off_by_fifteen_minutes() {
    let case = signed_case();
    for offset in [-900, 0, 900] {
        assert!(verify(&case, SECRET, SIGNED_AT + offset).is_ok(), "{offset}");
    }
    let late = verify(&case, SECRET, SIGNED_AT + 1440).unwrap_err();
    assert_eq!(
        late.to_string(),
        "Signature expired: 20150830T123600Z is now earlier than 20150830T124500Z (20150830T130000Z - 15 min.)"
    );
    let early = verify(&case, SECRET, SIGNED_AT - 2160).unwrap_err();
    assert_eq!(
        early.to_string(),
        "Signature not yet current: 20150830T123600Z is still later than 20150830T121500Z (20150830T120000Z + 15 min.)"
    );
    assert_eq!(late.answer(Dialect::Query).code, "SignatureDoesNotMatch");
    assert_eq!(late.answer(Dialect::Json).code, "InvalidSignatureException");
    assert_eq!(late.answer(Dialect::S3).code, "RequestTimeTooSkewed");
}

fn check_incomplete(authorization: &str, date: Option<&str>, expected: &str) {
    let mut case = Case::parse("GET / HTTP/1.1\nHost:h");
    case.headers.push(("Authorization".into(), authorization.into()));
    case.headers.extend(date.map(|date| ("X-Amz-Date".to_owned(), date.to_owned())));
    let error = verify(&case, SECRET, SIGNED_AT).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.answer(Dialect::Query).code, "IncompleteSignature");
    assert_eq!(error.answer(Dialect::Query).status, 400);
}

#[test]
fn incomplete_signatures_name_what_is_missing() {
    let date = Some("20150830T123600Z");
    let all = "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
               parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires \
               existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256";
    check_incomplete("AWS4-HMAC-SHA256", None, all);
    check_incomplete("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=x", date, "requires 'SignedHeaders'");
    check_incomplete("AWS4-HMAC-SHA256 Credential", date, "missing equal-sign");
    check_incomplete("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=x", date, "exactly 5");
    check_incomplete("AWS4-OTHER Credential=a", date, "Unsupported AWS 'algorithm'");
    let whole = "AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request, SignedHeaders=host, Signature=x";
    check_incomplete(whole, Some("yesterday"), "Got 'yesterday'");
}

#[test]
fn unsigned_requests_carry_no_authentication() {
    let bare = Case::parse("GET /?x=1 HTTP/1.1\nHost:h\nAuthorization:Bearer abc");
    assert!(Authentication::of(&bare.view()).unwrap().is_none());
    assert_eq!(SignatureError::MissingAuthenticationToken.answer(Dialect::Query).status, 403);
}

#[test]
fn the_host_must_be_signed_and_the_scope_must_fit() {
    let mut case = signed_case();
    let authorization = &mut case.headers.last_mut().unwrap().1;
    *authorization = authorization.replace("content-type;host;", "content-type;");
    let error = verify(&case, SECRET, SIGNED_AT).unwrap_err();
    assert!(error.to_string().contains("must be a 'SignedHeader'"), "{error}");
    let case = signed_case();
    let view = case.view();
    let auth = Authentication::of(&view).unwrap().unwrap();
    assert!(auth.check_scope("us-east-1", &["service"]).is_ok());
    assert!(auth.check_scope("eu-west-1", &["service"]).is_err());
    let error = auth.check_scope("", &["sqs"]).unwrap_err();
    assert_eq!(error.to_string(), "Credential should be scoped to correct service: 'sqs'.");
}

fn presigned(token: Option<&'static str>) -> Case {
    let mut case = Case::parse("GET /bucket/a%20key//x?b=2&a=1 HTTP/1.1\nHost:localhost:4566");
    let signer = Signer { token, service: "s3", rule: PathRule::S3, ..signer() };
    case.query = signer.presign(&case.view(), Payload::UNSIGNED, 3600, SIGNED_AT);
    case
}

fn verify_presigned(case: &Case, now: i64) -> Result<Verified, SignatureError> {
    let view = case.view();
    let auth = Authentication::of(&view)?.ok_or(SignatureError::MissingAuthenticationToken)?;
    auth.verify(&view, Payload::UNSIGNED, SECRET, PathRule::S3, now, &KeyCache::default())
}

#[test]
fn presigned_urls_verify_until_they_expire() {
    let case = presigned(Some("to/ken+=="));
    let view = case.view();
    let auth = Authentication::of(&view).unwrap().unwrap();
    assert_eq!(auth.token.as_deref(), Some("to/ken+=="));
    assert_eq!(auth.form, Form::Presigned { expires_seconds: 3600 });
    assert!(verify_presigned(&case, SIGNED_AT + 3600).is_ok());
    let expired = verify_presigned(&case, SIGNED_AT + 3601).unwrap_err();
    assert_eq!(expired.answer(Dialect::Query).code, "RequestExpired");
    assert_eq!(expired.answer(Dialect::S3).message, "Request has expired");
    let mut changed = presigned(None);
    changed.query = changed.query.replace("Expires=3600", "Expires=3601");
    assert!(matches!(verify_presigned(&changed, SIGNED_AT), Err(SignatureError::Mismatch(_))));
    changed.query = changed.query.replace("Expires=3601", "Expires=604801");
    assert_eq!(
        verify_presigned(&changed, SIGNED_AT).unwrap_err().answer(Dialect::S3).code,
        "AuthorizationQueryParametersError"
    );
}

#[test]
fn presigned_urls_name_what_is_missing() {
    let case =
        Case::parse("GET /?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20150830T123600Z HTTP/1.1\nHost:h");
    let error = verify(&case, SECRET, SIGNED_AT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include \
         'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the \
         query-string parameters."
    );
}

#[test]
fn s3_keeps_paths_and_wants_its_headers_signed() {
    let mut case = Case::parse("PUT /bucket//a/../b%20c HTTP/1.1\nHost:h\n\nhello");
    sign(&mut case, Signer { service: "s3", rule: PathRule::S3, ..signer() });
    assert!(verify_as(&case, SECRET, SIGNED_AT, PathRule::S3).is_ok());
    assert!(verify_as(&case, SECRET, SIGNED_AT, PathRule::Normalised).is_err());
    case.headers.push(("x-amz-acl".into(), "public-read".into()));
    let error = verify_as(&case, SECRET, SIGNED_AT, PathRule::S3).unwrap_err();
    assert_eq!(error.answer(Dialect::S3).code, "AccessDenied");
    assert!(error.to_string().ends_with("x-amz-acl"));
}

/// The example of "Signature calculations: transferring payload in multiple chunks" in the S3 API reference.
#[test]
fn chunks_sign_as_documented() {
    let timestamp = "20130524T000000Z".to_owned();
    let key = SigningKey::derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20130524", "us-east-1", "s3");
    let seed = *b"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let mut chunks = ChunkSigner::new(key, timestamp, "20130524/us-east-1/s3/aws4_request".into(), seed);
    let body = vec![b'a'; 66_560];
    let first = chunks.sign(&body[..65_536]);
    assert_eq!(first, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    let second = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497";
    assert!(chunks.clone().is_signed(&body[65_536..], second));
    assert!(!chunks.clone().is_signed(&body[65_537..], second));
    assert_eq!(chunks.sign(&body[65_536..]), second);
    assert_eq!(chunks.sign(b""), "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

#[test]
fn chunks_continue_from_a_verified_request() {
    let mut case = Case::parse("PUT /b/k HTTP/1.1\nHost:h\nx-amz-decoded-content-length:5");
    let signer = Signer { service: "s3", rule: PathRule::S3, ..signer() };
    let payload = Payload::Declared(STREAMING_SIGNED_TRAILER);
    let (added, mut signing) = signer.sign_with_chunks(&case.view(), payload, SIGNED_AT);
    case.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
    let view = case.view();
    let auth = Authentication::of(&view).unwrap().unwrap();
    let payload = Payload::of(view.headers, b"");
    let verified =
        auth.verify(&view, payload, SECRET, PathRule::S3, SIGNED_AT, &KeyCache::default()).unwrap();
    let mut checking = ChunkSigner::after(&auth, &verified);
    assert!(checking.is_signed(b"hello", &signing.sign(b"hello")));
    assert!(checking.is_signed(b"", &signing.sign(b"")));
    let trailers = "x-amz-checksum-crc32:NhCmhg==\n";
    assert!(checking.are_trailers_signed(trailers, &signing.sign_trailers(trailers)));
}

#[test]
fn a_key_given_anew_signs_with_its_new_secret() {
    let keys = KeyCache::with_slots(1);
    let old = keys.get(KEY, "old", "20150830", "us-east-1", "sqs").sign("x");
    assert_eq!(keys.get(KEY, "old", "20150830", "us-east-1", "sqs").sign("x"), old);
    assert_ne!(keys.get(KEY, "new", "20150830", "us-east-1", "sqs").sign("x"), old);
    assert_ne!(keys.get(KEY, "old", "20150831", "us-east-1", "sqs").sign("x"), old);
}

#[test]
fn a_host_may_stand_in_the_authority() {
    let mut headers = http::HeaderMap::new();
    let bare = RequestView { method: "GET", path: "/", query: "", headers: &headers, authority: Some("h:1") };
    let added = signer().sign(&bare, Payload::Body(b""), SIGNED_AT);
    for (name, value) in added {
        headers.insert(name, value.parse().unwrap());
    }
    let view = RequestView { method: "GET", path: "/", query: "", headers: &headers, authority: Some("h:1") };
    let auth = Authentication::of(&view).unwrap().unwrap();
    let keys = KeyCache::default();
    assert!(auth.verify(&view, Payload::Body(b""), SECRET, PathRule::Normalised, SIGNED_AT, &keys).is_ok());
    let other = RequestView { authority: Some("h:2"), ..view };
    assert!(auth.verify(&other, Payload::Body(b""), SECRET, PathRule::Normalised, SIGNED_AT, &keys).is_err());
}

#[test]
fn cached_keys_sign_alike() {
    let case = Case::parse("GET / HTTP/1.1\nHost:h");
    let keys = KeyCache::default();
    let cached = Signer { keys: Some(&keys), ..signer() };
    for _ in 0..2 {
        let same = signer().sign(&case.view(), case.payload(), SIGNED_AT);
        assert_eq!(cached.sign(&case.view(), case.payload(), SIGNED_AT), same);
    }
}

fn check_answer(error: SignatureError, query: (&str, u16), json: (&str, u16), s3: (&str, u16)) {
    for (dialect, expected) in [(Dialect::Query, query), (Dialect::Json, json), (Dialect::S3, s3)] {
        let answer = error.answer(dialect);
        assert_eq!((answer.code, answer.status), expected, "{error:?} to {dialect:?}");
    }
}

#[test]
fn refusals_have_codes() {
    check_answer(
        SignatureError::MissingAuthenticationToken,
        ("MissingAuthenticationToken", 403),
        ("MissingAuthenticationTokenException", 400),
        ("AccessDenied", 403),
    );
    check_answer(
        SignatureError::InvalidToken,
        ("InvalidClientTokenId", 403),
        ("UnrecognizedClientException", 400),
        ("InvalidAccessKeyId", 403),
    );
    check_answer(
        SignatureError::ExpiredToken,
        ("ExpiredToken", 403),
        ("ExpiredTokenException", 400),
        ("ExpiredToken", 400),
    );
    let mismatch = Mismatch { canonical_request: String::new(), string_to_sign: String::new() };
    check_answer(
        SignatureError::Mismatch(Box::new(mismatch)),
        ("SignatureDoesNotMatch", 403),
        ("InvalidSignatureException", 400),
        ("SignatureDoesNotMatch", 403),
    );
}

#[test]
fn a_declared_hash_must_be_the_bodys() {
    let mut case = Case::parse("PUT /b/k HTTP/1.1\nHost:h\n\nhello");
    sign(&mut case, Signer { service: "s3", rule: PathRule::S3, ..signer() });
    assert!(verify_as(&case, SECRET, SIGNED_AT, PathRule::S3).is_ok());
    case.body.push('!');
    let error = verify_as(&case, SECRET, SIGNED_AT, PathRule::S3).unwrap_err();
    assert_eq!(error.answer(Dialect::S3).code, "XAmzContentSHA256Mismatch");
}

proptest! {
    #[test]
    fn no_request_makes_verification_panic(
        path in ".{0,40}", query in ".{0,40}", authorization in ".{0,80}", date in ".{0,30}", value in ".{0,30}",
    ) {
        let authorizations = [
            format!("AWS4-HMAC-SHA256 {authorization}"),
            format!("AWS4-HMAC-SHA256 Credential=a/20150830/r/s/aws4_request, SignedHeaders={value};host, Signature={value}"),
            String::new(),
        ];
        let presigned = format!(
            "{query}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a/20150830/r/s/aws4_request&X-Amz-Signature=\
             {value}&X-Amz-SignedHeaders=host;{value}&X-Amz-Date=20150830T123600Z&X-Amz-Expires={date}"
        );
        for authorization in authorizations {
            for date in [date.as_str(), "20150830T123600Z", "Sun, 30 Aug 999999999 12:36:00 GMT"] {
                for query in [&query, &presigned] {
                    let mut headers = vec![("host".to_owned(), "h".to_owned()), ("x-amz-date".to_owned(), date.to_owned())];
                    headers.push((value.clone(), value.clone()));
                    if !authorization.is_empty() {
                        headers.push(("authorization".to_owned(), authorization.clone()));
                    }
                    let case = Case {
                        method: "GET".to_owned(), path: path.clone(), query: query.clone(), headers, body: String::new(),
                    };
                    for rule in [PathRule::Normalised, PathRule::S3] {
                        prop_assert!(verify_as(&case, SECRET, SIGNED_AT, rule).is_err());
                    }
                }
            }
        }
    }
}
