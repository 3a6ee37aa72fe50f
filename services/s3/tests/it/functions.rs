//! A stand-in for Lambda that notes what it was invoked with. How it answers is in the function's name.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cloud::{Ctx, Handle, Operation, Service};
use lambda_api::op::Invoke;
use lambda_api::{InvokeInput, InvokeOutput};
use serde_json::{Value, json};
use shapes::ApiError;
use tokio::sync::Semaphore;

#[derive(Clone)]
pub(crate) struct Functions(Arc<Inner>);

pub(crate) struct Inner {
    calls: Mutex<Vec<Value>>,
    /// What the function `slow` waits for.
    gate: Semaphore,
}

static OPERATIONS: &[Operation<Inner>] = &[Operation::of::<Invoke>()];

impl Functions {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { calls: Mutex::default(), gate: Semaphore::new(0) }))
    }

    pub(crate) fn service(&self) -> Service {
        Service::new(&lambda_api::SERVICE, Arc::clone(&self.0), OPERATIONS)
    }

    pub(crate) fn calls(&self) -> Vec<Value> {
        self.0.calls.lock().unwrap().clone()
    }

    pub(crate) fn let_through(&self) {
        self.0.gate.add_permits(1000);
    }
}

impl Handle<Invoke> for Inner {
    async fn handle(self: &Arc<Self>, _: &Ctx, input: InvokeInput) -> Result<InvokeOutput, ApiError> {
        let event: Value = serde_json::from_slice(&input.payload.unwrap_or_default()).unwrap();
        let task = event["tasks"][0].clone();
        let before = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(event);
            calls.iter().filter(|call| call["tasks"][0]["taskId"] == task["taskId"]).count() - 1
        };
        let answer = |code: &str| {
            let result = json!({"taskId": task["taskId"], "resultCode": code, "resultString": task["s3Key"]});
            let answer = json!({"invocationSchemaVersion": "1.0", "results": [result]});
            InvokeOutput { payload: Some(Bytes::from(answer.to_string())), ..Default::default() }
        };
        Ok(match input.function_name.rsplit(':').next() {
            Some("broken") => InvokeOutput {
                function_error: Some("Unhandled".to_owned()),
                payload: Some(Bytes::from_static(br#"{"errorMessage":"oh"}"#)),
                ..Default::default()
            },
            Some("shy") if before == 0 => answer("TemporaryFailure"),
            Some("slow") => {
                self.gate.acquire().await.map_err(ApiError::internal)?.forget();
                answer("Succeeded")
            }
            _ => answer("Succeeded"),
        })
    }
}
