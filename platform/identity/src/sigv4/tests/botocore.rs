//! Requests as botocore 1.43.11 signs them, for the spellings that the published suite leaves out: encoded paths,
//! S3's own rules, presigned URLs, tokens.

use super::*;

fn check(rule: PathRule, payload: Option<Payload<'_>>, token: Option<&str>, request: &str) {
    let case = Case::parse(request);
    let view = case.view();
    let auth = Authentication::of(&view).unwrap().unwrap();
    assert_eq!(auth.token.as_deref(), token);
    let keys = KeyCache::default();
    let payload = payload.unwrap_or(case.payload());
    let outcome = auth.verify(&view, payload, SECRET, rule, SIGNED_AT, &keys);
    assert!(outcome.is_ok(), "{request}: {outcome:?}");
    let path = format!("{}x", case.path);
    let changed = RequestView { path: &path, ..view };
    let outcome = auth.verify(&changed, payload, SECRET, rule, SIGNED_AT, &keys);
    assert!(matches!(outcome, Err(SignatureError::Mismatch(_))), "{request}: {outcome:?}");
}

#[test]
fn forms_verify() {
    check(
        PathRule::Normalised,
        None,
        None,
        concat!(
            "POST / HTTP/1.1\n",
            "content-type:application/x-www-form-urlencoded; charset=utf-8\n",
            "x-amz-date:20150830T123600Z\n",
            "authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=4c30b5007b9ab385412f756b4628e44aba3acf7bf67c86942f066a81cc81f281\n",
            "content-length:18\n",
            "host:h.localhost:4566\n",
            "\nAction=X&Version=1",
        ),
    );
}

#[test]
fn forms_with_tokens_verify() {
    check(
        PathRule::Normalised,
        None,
        Some("to/k+en=="),
        concat!(
            "POST / HTTP/1.1\n",
            "content-type:application/x-www-form-urlencoded; charset=utf-8\n",
            "x-amz-date:20150830T123600Z\n",
            "x-amz-security-token:to/k+en==\n",
            "authorization:AWS4-HMAC-SHA256 Credential=ASIDEXAMPLE/20150830/us-east-1/sns/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=d2ce30b33146277edc07cebc7f138253596c59639fbfc7535671ca4367d3d5bb\n",
            "content-length:18\n",
            "host:h.localhost:4566\n",
            "\nAction=X&Version=1",
        ),
    );
}

#[test]
fn encoded_paths_verify() {
    check(
        PathRule::Normalised,
        None,
        None,
        concat!(
            "GET /2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af/policy?Qualifier=%24LATEST&a=b%20c HTTP/1.1\n",
            "x-amz-date:20150830T123600Z\n",
            "authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=50617813f404f9db80b813501d01078e1f3b03eae1498a9f404c2b2740d7725d\n",
            "host:h.localhost:4566\n",
        ),
    );
}

#[test]
fn untidy_paths_and_headers_verify() {
    check(
        PathRule::Normalised,
        None,
        None,
        concat!(
            "GET /a//b/./c/../d%20e/ HTTP/1.1\n",
            "x-odd:  a   b  \n",
            "x-amz-date:20150830T123600Z\n",
            "authorization:AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date;x-odd, Signature=c6a77f53b2ae06e7d6b406061ca6b1bb73dd45d5db461ba50009779a8692b361\n",
            "host:h.localhost:4566\n",
        ),
    );
}

#[test]
fn keys_of_s3_verify() {
    check(
        PathRule::S3,
        None,
        Some("to/k+en=="),
        concat!(
            "PUT /bucket/a//b/../c%20d%2B%26%3D~%C3%A9?partNumber=1&uploadId=x%2Fy&acl HTTP/1.1\n",
            "x-amz-acl:private\n",
            "x-amz-date:20150830T123600Z\n",
            "x-amz-security-token:to/k+en==\n",
            "x-amz-content-sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n",
            "authorization:AWS4-HMAC-SHA256 Credential=ASIDEXAMPLE/20150830/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=96d5005055ac7524532e8a53939334dce2f16c0758d1bcea1b6913b6e2bf33bb\n",
            "content-length:5\n",
            "host:h.localhost:4566\n",
            "\nhello",
        ),
    );
}

#[test]
fn presigned_calls_verify() {
    check(
        PathRule::Normalised,
        None,
        Some("to/k+en=="),
        concat!(
            "GET /?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIDEXAMPLE%2F20150830%2Fus-east-1%2Fsts%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=to%2Fk%2Ben%3D%3D&X-Amz-Signature=802cb05422d72971f1651b81c52e5cc8c7083fda8559fedb89d0db535812358a HTTP/1.1\n",
            "host:h.localhost:4566\n",
        ),
    );
}

#[test]
fn presigned_objects_verify() {
    check(
        PathRule::S3,
        Some(Payload::UNSIGNED),
        None,
        concat!(
            "GET /bucket/a%20b//c?response-content-type=text%2Fplain&versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=f3aacdbeab710044e43a14188ec5d44a12e1f915d57cf8c3357eb2c27f4ad24e HTTP/1.1\n",
            "host:h.localhost:4566\n",
        ),
    );
}
