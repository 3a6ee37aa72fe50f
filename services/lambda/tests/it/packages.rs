//! Deployment packages that nobody should unpack, and configurations that nobody can have.

use std::io::{Cursor, Write};
use std::sync::Arc;

use bytes::Bytes;
use cloud::{Ctx, Guard, Handle, Operation, Service};
use lambda_api::op::{CreateFunction, GetFunction, ListFunctions};
use lambda_api::{CreateFunctionInput, FunctionCode, GetFunctionInput, ListFunctionsInput};
use s3_api::op::GetObject;
use s3_api::{GetObjectInput, GetObjectOutput};
use shapes::ApiError;
use zip::write::SimpleFileOptions;

use crate::kit::{Functions, ROLE, variables, zip};

async fn create(functions: &Functions, zip_file: Vec<u8>) -> Result<(), ApiError> {
    let input = CreateFunctionInput {
        function_name: "hostile".to_owned(),
        runtime: Some("python3.12".to_owned()),
        handler: Some("index.handler".to_owned()),
        role: ROLE.to_owned(),
        code: FunctionCode { zip_file: Some(zip_file.into()), ..Default::default() },
        ..Default::default()
    };
    functions.region.call::<CreateFunction>(input).await.map(|_| ())
}

fn links(entries: &[(&str, Option<&str>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, target) in entries {
        match target {
            Some(target) => {
                writer.add_symlink(*name, *target, SimpleFileOptions::default()).expect("a zip in memory");
            }
            None => {
                writer.start_file(*name, SimpleFileOptions::default()).expect("a zip in memory");
                writer.write_all(b"x").expect("a zip in memory");
            }
        }
    }
    writer.finish().expect("a zip in memory").into_inner()
}

#[tokio::test]
async fn entries_that_leave_the_folder_are_refused() {
    let functions = Functions::start();
    let refused = [
        zip(&[("../x", "")]),
        zip(&[("a/../../x", "")]),
        zip(&[("/etc/x", "")]),
        zip(&[("a\\..\\x", "")]),
        zip(&[("a", ""), ("a/b", "")]),
        links(&[("l", Some("/etc/passwd"))]),
        links(&[("l", Some("../../../../etc/passwd"))]),
        links(&[("a/l", Some("..")), ("a/m", Some("l/../../.."))]),
        links(&[("l", Some("nothing"))]),
        links(&[("d", Some(".")), ("d/x", None)]),
        b"no zip".to_vec(),
        Vec::new(),
    ];
    for (index, package) in refused.into_iter().enumerate() {
        let error = create(&functions, package).await.expect_err(&format!("package {index}"));
        assert_eq!(error.name(), "InvalidParameterValueException", "{index}: {error}");
    }
    create(&functions, links(&[("lib/a.py", None), ("index.py", Some("lib/a.py"))])).await.unwrap();
}

#[tokio::test]
async fn packages_have_a_size() {
    let functions = Functions::start();
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let zeros = vec![0; 1 << 20];
    writer.start_file("zeros", SimpleFileOptions::default()).unwrap();
    for _ in 0..251 {
        writer.write_all(&zeros).unwrap();
    }
    let bomb = writer.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 20);
    let error = create(&functions, bomb).await.unwrap_err();
    assert_eq!(error.message(), "Unzipped size must be smaller than 262144000 bytes");
    let error = create(&functions, vec![0; (50 << 20) + 1]).await.unwrap_err();
    assert_eq!((error.status(), error.name()), (413, "RequestEntityTooLargeException"));
}

/// An object store with one object.
struct Objects(Vec<u8>);

static OBJECTS: &[Operation<Objects>] = &[Operation::of::<GetObject>()];

impl Handle<GetObject> for Objects {
    fn guard(&self, _: &Ctx, _: &GetObjectInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    async fn handle(self: &Arc<Self>, _: &Ctx, input: GetObjectInput) -> Result<GetObjectOutput, ApiError> {
        if (input.bucket.as_str(), input.key.as_str()) != ("code", "f.zip") {
            return Err(s3_api::error::no_such_key("The specified key does not exist."));
        }
        Ok(GetObjectOutput { body: Some(Bytes::from(self.0.clone()).into()), ..Default::default() })
    }
}

#[tokio::test]
async fn packages_come_from_objects_too() {
    let package = zip(&[("index.py", "x = 1")]);
    let objects = Arc::new(Objects(package.clone()));
    let functions = Functions::beside(|_| {}, |_| vec![Service::new(&s3_api::SERVICE, objects, OBJECTS)]);
    let create = async |key: &str| {
        let change = |input: &mut CreateFunctionInput| {
            input.code = lambda_api::FunctionCode {
                s3_bucket: Some("code".to_owned()),
                s3_key: Some(key.to_owned()),
                ..Default::default()
            };
        };
        functions.create("f", "python3.12", &[], change).await
    };
    let error = create("gone.zip").await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (
            "InvalidParameterValueException",
            "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not \
             exist."
        )
    );
    create("f.zip").await.unwrap();
    let input = GetFunctionInput { function_name: "f".to_owned(), qualifier: None };
    let shown = functions.region.call::<GetFunction>(input).await.unwrap().configuration.unwrap();
    assert_eq!(shown.code_size, Some(package.len() as i64));
}

#[tokio::test]
async fn wrong_configurations_are_refused_by_name() {
    let functions = Functions::start();
    let files = [("index.py", "")];
    type Change = fn(&mut CreateFunctionInput);
    let cases: [(&str, Change); 5] = [
        ("memorySize", |input| input.memory_size = Some(127)),
        ("timeout", |input| input.timeout = Some(901)),
        ("runtime", |input| input.runtime = Some("cobol".to_owned())),
        ("_HANDLER", |input| input.environment = Some(variables(&[("_HANDLER", "x")]))),
        ("4KB", |input| input.environment = Some(variables(&[("A", &"x".repeat(4096))]))),
    ];
    for (text, change) in cases {
        let error = functions.create("f", "python3.12", &files, change).await.unwrap_err();
        assert!(error.message().contains(text), "{error}");
    }
    functions.create("f", "python3.12", &files, |_| {}).await.unwrap();
    let error = functions.create("f", "python3.12", &files, |_| {}).await.unwrap_err();
    assert_eq!((error.status(), error.message()), (409, "Function already exist: f"));
    let listed = functions.region.call::<ListFunctions>(ListFunctionsInput::default()).await.unwrap();
    assert_eq!(listed.functions.unwrap().len(), 1);
    let missing = GetFunctionInput { function_name: "g".to_owned(), qualifier: None };
    let error = functions.region.call::<GetFunction>(missing).await.unwrap_err();
    assert_eq!(error.message(), "Function not found: arn:aws:lambda:us-east-1:000000000000:function:g");
}
