//! Logs in JSON.

use lambda_api::op::{GetFunctionConfiguration, UpdateFunctionConfiguration};
use lambda_api::{
    CreateFunctionInput, GetFunctionConfigurationInput, LoggingConfig, UpdateFunctionConfigurationInput,
};
use serde_json::{Value, json};

use crate::kit::{Functions, host_isolates, installed};

fn in_json(input: &mut CreateFunctionInput) {
    input.logging_config = Some(LoggingConfig { log_format: Some("JSON".to_owned()), ..Default::default() });
}

/// The lines that are JSON objects, and the others.
fn lines(log: &str) -> (Vec<Value>, Vec<&str>) {
    let (mut objects, mut others) = (Vec::new(), Vec::new());
    for line in log.lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(object) if object.is_object() => objects.push(object),
            _ => others.push(line),
        }
    }
    (objects, others)
}

#[tokio::test]
async fn python_logs_are_objects() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let code = "import logging\n\
                log = logging.getLogger('mine')\n\
                def handler(event, context):\n    \
                    print('plain')\n    \
                    log.debug('too quiet')\n    \
                    log.info('hello %s', 'there', extra={'order': 7})\n    \
                    try:\n        1 / 0\n    \
                    except ZeroDivisionError:\n        log.exception('caught')\n    \
                    return 1\n";
    functions.create("f", "python3.12", &[("index.py", code)], in_json).await.unwrap();
    let answer = functions.invoke(&json!({})).await;
    let (objects, others) = lines(&answer.log);
    assert_eq!(others, ["plain"], "{}", answer.log);
    let types: Vec<_> = objects.iter().filter_map(|line| line["type"].as_str()).collect();
    assert_eq!(types, ["platform.start", "platform.report"]);
    assert_eq!(objects.last().unwrap()["record"]["status"], "success");
    let own: Vec<&Value> = objects.iter().filter(|line| line.get("level").is_some()).collect();
    assert_eq!(own.len(), 2, "{own:?}");
    assert_eq!((&own[0]["message"], &own[0]["order"]), (&json!("hello there"), &json!(7)));
    assert_eq!((&own[0]["level"], &own[0]["logger"]), (&json!("INFO"), &json!("mine")));
    assert!(own[0]["requestId"].is_string() && own[0]["timestamp"].is_string());
    assert_eq!(own[1]["errorType"], "ZeroDivisionError");
    assert!(own[1]["stackTrace"].is_array());
}

#[tokio::test]
async fn node_logs_are_objects() {
    if !host_isolates() || !installed("node") {
        return;
    }
    let functions = Functions::start();
    let code = "exports.handler = async () => { console.debug('quiet'); console.log('hello %s', 'there'); \
                console.warn({ order: 7 }); throw new TypeError('bad'); };";
    functions.create("f", "nodejs20.x", &[("index.js", code)], in_json).await.unwrap();
    let answer = functions.invoke(&json!({})).await;
    let (objects, others) = lines(&answer.log);
    assert!(others.is_empty(), "{others:?}");
    let own: Vec<&Value> = objects.iter().filter(|line| line.get("level").is_some()).collect();
    assert_eq!(own[0]["message"], "hello there");
    assert_eq!((&own[1]["message"], &own[1]["level"]), (&json!({ "order": 7 }), &json!("WARN")));
    assert_eq!(own[2]["message"]["errorType"], "TypeError", "{own:?}");
    assert_eq!(objects.last().unwrap()["record"]["status"], "error");
}

#[tokio::test]
async fn levels_belong_to_json() {
    let functions = Functions::start();
    functions.create("f", "python3.12", &[("index.py", "")], |_| {}).await.unwrap();
    let update = async |config: LoggingConfig| {
        let input = UpdateFunctionConfigurationInput {
            function_name: "f".to_owned(),
            logging_config: Some(config),
            ..Default::default()
        };
        functions.region.call::<UpdateFunctionConfiguration>(input).await
    };
    let debug = || Some("DEBUG".to_owned());
    let refused = update(LoggingConfig { application_log_level: debug(), ..Default::default() }).await;
    assert_eq!(refused.unwrap_err().code(), "InvalidParameterValueException");
    let config = LoggingConfig {
        log_format: Some("JSON".to_owned()),
        application_log_level: debug(),
        log_group: Some("/own/group".to_owned()),
        ..Default::default()
    };
    update(config).await.unwrap();
    let input = GetFunctionConfigurationInput { function_name: "f".to_owned(), ..Default::default() };
    let shown = functions.region.call::<GetFunctionConfiguration>(input).await.unwrap().logging_config;
    assert_eq!(
        shown,
        Some(LoggingConfig {
            log_format: Some("JSON".to_owned()),
            application_log_level: debug(),
            system_log_level: Some("INFO".to_owned()),
            log_group: Some("/own/group".to_owned()),
        })
    );
}
