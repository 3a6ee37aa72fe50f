//! Lambda: invoking a function that is warm, and one that has to be started.

use std::io::{Cursor, Write};
use std::time::Instant;

use iam_api::op::{CreateRole, GetRole};
use iam_api::{CreateRoleInput, GetRoleInput};
use lambda_api::op::{CreateFunction, DeleteFunction, Invoke, UpdateFunctionConfiguration};
use lambda_api::{
    CreateFunctionInput, DeleteFunctionInput, FunctionCode, InvokeInput, UpdateFunctionConfigurationInput,
};
use shapes::Op;
use zip::write::SimpleFileOptions;

use crate::connection::Connection;
use crate::{BenchError, Client, Load, Report, load};

const ROLE: &str = "brume-bench-function";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;
/// Starts that are measured.
const STARTS: usize = 20;
/// Environments at once: each holds memory of its own.
const MOST_CONNECTIONS: usize = 8;

/// What the functions are written in: the runtime, its file, and the file's content. All of them answer the event.
pub const RUNTIMES: [(&str, &str, &str); 3] = [
    ("provided.al2023", "bootstrap", BASH),
    ("python3.12", "index.py", "def handler(event, context):\n    return event\n"),
    ("nodejs20.x", "index.js", "exports.handler = async (event) => event;\n"),
];

/// A runtime without anything to load.
const BASH: &str = r#"#!/bin/bash
api="/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
while exec 3<>"$api"; do
  printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n' >&3
  while IFS= read -r line <&3; do
    line="${line%$'\r'}"
    [ -z "$line" ] && break
    case "${line,,}" in lambda-runtime-aws-request-id:*) id="${line#*: }" ;; esac
  done
  printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}' "$id" >&3
  exec 3>&-
done
"#;

/// A function of the measurement's own.
pub struct Function {
    client: Client,
    runtime: &'static str,
    name: String,
}

impl Function {
    pub async fn create(
        client: &Client,
        (runtime, file, content): (&'static str, &str, &str),
    ) -> Result<Self, BenchError> {
        let name = format!("brume-bench-{}-{}", runtime.replace('.', "-"), std::process::id());
        let function = Self { client: client.clone(), runtime, name };
        let role = CreateRoleInput {
            role_name: ROLE.to_owned(),
            assume_role_policy_document: TRUST.to_owned(),
            ..Default::default()
        };
        let (status, body) = function.exchange::<CreateRole>(&role).await?;
        // One of an earlier run serves as well.
        if status != 409 {
            client.output::<CreateRole>(status, body)?;
        }
        let (status, body) =
            function.exchange::<GetRole>(&GetRoleInput { role_name: ROLE.to_owned() }).await?;
        let role = client.output::<GetRole>(status, body)?.role.arn;
        let input = CreateFunctionInput {
            function_name: function.name.clone(),
            runtime: Some(runtime.to_owned()),
            handler: Some("index.handler".to_owned()),
            role,
            memory_size: Some(1769),
            timeout: Some(30),
            code: FunctionCode { zip_file: Some(package(file, content)?.into()), ..Default::default() },
            ..Default::default()
        };
        let (status, body) = function.exchange::<CreateFunction>(&input).await?;
        client.output::<CreateFunction>(status, body)?;
        Ok(function)
    }

    pub async fn delete(self) -> Result<(), BenchError> {
        let input = DeleteFunctionInput { function_name: self.name.clone(), ..Default::default() };
        let (status, body) = self.exchange::<DeleteFunction>(&input).await?;
        self.client.output::<DeleteFunction>(status, body).map(|_| ())
    }

    /// Invocations one after the other, and then as many at once as there are connections, up to eight.
    pub async fn invoke(&self, load: Load) -> Result<Vec<Report>, BenchError> {
        let requests = vec![self.client.request::<Invoke>(&self.event())?];
        let mut reports = Vec::new();
        for connections in [1, load.connections.min(MOST_CONNECTIONS)] {
            let load = Load { connections, ..load };
            let mut report = load::run(&self.client, "Invoke", requests.clone(), load).await?;
            report.name = format!("Invoke {} warm", self.runtime);
            reports.push(report);
        }
        Ok(reports)
    }

    /// Invocations that start an environment each: the configuration has changed before them.
    pub async fn start(&self) -> Result<Report, BenchError> {
        let mut times = Vec::with_capacity(STARTS);
        let event = self.client.request::<Invoke>(&self.event())?;
        let mut connection = Connection::open(&self.client.endpoint.authority).await?;
        let begun = Instant::now();
        for number in 0..STARTS {
            let input = UpdateFunctionConfigurationInput {
                function_name: self.name.clone(),
                description: Some(format!("start {number}")),
                ..Default::default()
            };
            let (status, body) = self.exchange::<UpdateFunctionConfiguration>(&input).await?;
            self.client.output::<UpdateFunctionConfiguration>(status, body)?;
            let sent = Instant::now();
            let (status, body) = connection.exchange(&event).await?;
            times.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
            self.client.output::<Invoke>(status, body)?;
        }
        let load = Load { connections: 1, duration: begun.elapsed(), ..Load::default() };
        Ok(load::report(&format!("Invoke {} cold", self.runtime), load, times))
    }

    fn event(&self) -> InvokeInput {
        InvokeInput { function_name: self.name.clone(), payload: Some("{}".into()), ..Default::default() }
    }

    async fn exchange<O: Op>(&self, input: &O::Input) -> Result<(u16, bytes::Bytes), BenchError> {
        let mut connection = Connection::open(&self.client.endpoint.authority).await?;
        connection.exchange(&self.client.request::<O>(input)?).await
    }
}

fn package(file: &str, content: &str) -> Result<Vec<u8>, BenchError> {
    let refused = |error: zip::result::ZipError| BenchError::Request(error.to_string());
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(file, SimpleFileOptions::default().unix_permissions(0o755)).map_err(refused)?;
    writer.write_all(content.as_bytes())?;
    Ok(writer.finish().map_err(refused)?.into_inner())
}
