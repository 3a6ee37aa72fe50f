//! Functions as real programs.

use serde_json::json;

use crate::kit::{Functions, host_isolates, installed, variables};

#[tokio::test]
async fn a_python_function_answers_and_logs() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let code = "import logging, os\n\
                logging.getLogger().setLevel('INFO')\n\
                def handler(event, context):\n    \
                    print('hello', event['a'])\n    \
                    logging.info('an info')\n    \
                    return {'event': event, 'id': context.aws_request_id, 'arn': context.invoked_function_arn,\n            \
                            'left': context.get_remaining_time_in_millis(), 'root': os.environ['LAMBDA_TASK_ROOT'],\n            \
                            'trace': os.environ['_X_AMZN_TRACE_ID'], 'own': os.environ['OWN']}\n";
    let own =
        |input: &mut lambda_api::CreateFunctionInput| input.environment = Some(variables(&[("OWN", "1")]));
    functions.create("f", "python3.12", &[("index.py", code)], own).await.unwrap();
    for is_first in [true, false] {
        let answer = functions.invoke(&json!({"a": "ü"})).await;
        assert_eq!(answer.error, None, "{answer:?}");
        assert_eq!(answer.payload["event"], json!({"a": "ü"}));
        assert_eq!(answer.payload["arn"], "arn:aws:lambda:us-east-1:000000000000:function:f");
        assert_eq!((&answer.payload["root"], &answer.payload["own"]), (&json!("/var/task"), &json!("1")));
        assert!(answer.payload["left"].as_i64().unwrap() > 20_000, "{answer:?}");
        assert!(answer.payload["trace"].as_str().unwrap().starts_with("Root=1-"), "{answer:?}");
        let id = answer.payload["id"].as_str().unwrap();
        let log = &answer.log;
        assert!(log.contains(&format!("START RequestId: {id} Version: $LATEST\nhello ü\n[INFO]\t")), "{log}");
        assert!(
            log.contains(&format!(
                "Z\t{id}\tan info\nEND RequestId: {id}\nREPORT RequestId: {id}\tDuration: "
            )),
            "{log}"
        );
        assert_eq!(log.contains("Init Duration"), is_first, "{log}");
    }
}

#[tokio::test]
async fn a_python_error_has_its_type_and_trace() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    functions.python("def handler(event, context):\n    raise ValueError('no good')\n").await;
    let answer = functions.invoke(&json!({})).await;
    assert_eq!(answer.error.as_deref(), Some("Unhandled"));
    assert_eq!(answer.payload["errorType"], "ValueError");
    assert_eq!(answer.payload["errorMessage"], "no good");
    let trace = answer.payload["stackTrace"].as_array().unwrap();
    assert_eq!(trace.len(), 1, "{trace:?}");
    assert!(trace[0].as_str().unwrap().starts_with("  File \"/var/task/index.py\", line 2, in handler\n"));
    assert!(
        answer.log.contains("[ERROR] ValueError: no good\rTraceback (most recent call last):\r"),
        "{}",
        answer.log
    );
}
