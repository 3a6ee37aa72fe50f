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

const ECHO: &str = r#"#!/bin/bash
api="/dev/tcp/${AWS_LAMBDA_RUNTIME_API/://}"
while true; do
  exec 3<>"$api"
  /usr/bin/printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n' >&3
  length=0
  while IFS= read -r line <&3; do
    line="${line%$'\r'}"
    [ -z "$line" ] && break
    case "${line,,}" in
      content-length:*) length="${line#*: }" ;;
      lambda-runtime-aws-request-id:*) id="${line#*: }" ;;
    esac
  done
  event=""
  [ "$length" -gt 0 ] && IFS= read -r -N "$length" event <&3
  work
  /usr/bin/printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' "$id" "${#answer}" "$answer" >&3
  cat <&3 >/dev/null
  exec 3>&-
done
"#;

/// A runtime in bash that runs `work` on each `$event` and answers what it leaves in `$answer`.
pub(crate) fn bash(work: &str) -> String {
    ECHO.replacen("\n", &format!("\nwork() {{ {work}; }}\n"), 1)
}

#[tokio::test]
async fn a_function_brings_its_own_bootstrap() {
    if !host_isolates() {
        return;
    }
    let functions = Functions::start();
    functions
        .shell(&bash(r#"echo "got $event"; answer="{\"got\":$event,\"user\":$(id -u),\"pwd\":\"$PWD\"}""#))
        .await;
    for number in 1..4 {
        let answer = functions.invoke(&json!({ "n": number })).await;
        assert_eq!(
            answer.payload,
            json!({"got": {"n": number}, "user": 993, "pwd": "/var/task"}),
            "{answer:?}"
        );
        assert!(answer.log.contains(&format!("got {{\"n\":{number}}}\n")), "{}", answer.log);
    }
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_ended_and_the_next_event_has_a_new_environment() {
    if !host_isolates() {
        return;
    }
    let functions = Functions::start();
    let script = bash(r#"case "$event" in *slow*) sleep 60 ;; esac; answer="$$""#);
    let short = |input: &mut lambda_api::CreateFunctionInput| input.timeout = Some(1);
    functions.create("f", "provided", &[("bootstrap", &script)], short).await.unwrap();
    assert_eq!(functions.invoke(&json!("quick")).await.error, None);
    let answer = functions.invoke(&json!("slow")).await;
    assert_eq!(answer.error.as_deref(), Some("Unhandled"));
    assert_eq!(answer.payload["errorType"], "Sandbox.Timedout");
    let message = answer.payload["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("Error: Task timed out after 1.00 seconds"), "{message}");
    assert!(answer.log.contains(" Task timed out after 1.00 seconds\n\nEND RequestId: "), "{}", answer.log);
    assert_eq!(functions.invoke(&json!("quick")).await.error, None);
}

#[tokio::test]
async fn a_program_that_exits_is_an_error_of_the_function() {
    if !host_isolates() {
        return;
    }
    let functions = Functions::start();
    functions.shell(&bash("exit 3")).await;
    for _ in 0..2 {
        let answer = functions.invoke(&json!({})).await;
        assert_eq!(answer.payload["errorType"], "Runtime.ExitError", "{answer:?}");
        let message = answer.payload["errorMessage"].as_str().unwrap();
        assert!(message.ends_with(" Error: Runtime exited with error: exit status 3"), "{message}");
    }
    functions.create("never", "provided", &[("bootstrap", "#!/bin/sh\nexit 4\n")], |_| {}).await.unwrap();
    let answer = functions.try_invoke("never", &json!({})).await.unwrap();
    let message = answer.payload["errorMessage"].as_str().unwrap();
    assert!(message.ends_with(" Error: Runtime exited with error: exit status 4"), "{message}");
    functions.create("none", "provided", &[("other", "x")], |_| {}).await.unwrap();
    let answer = functions.try_invoke("none", &json!({})).await.unwrap();
    assert_eq!(answer.payload["errorType"], "Runtime.InvalidEntrypoint");
}

#[tokio::test]
async fn memory_and_processes_are_bounded() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let code = "import os, time\n\
                def handler(event, context):\n    \
                    if event == 'memory':\n        x = bytearray(400 << 20)\n        return len(x)\n    \
                    count = 0\n    \
                    try:\n        \
                        while count < 3000:\n            \
                            if os.fork() == 0:\n                time.sleep(30)\n                os._exit(0)\n            \
                            count += 1\n    \
                    except OSError as error:\n        return {'count': count, 'error': error.errno}\n";
    let small = |input: &mut lambda_api::CreateFunctionInput| input.memory_size = Some(256);
    functions.create("f", "python3.12", &[("index.py", code)], small).await.unwrap();
    let answer = functions.invoke(&json!("memory")).await;
    let message = answer.payload["errorMessage"].as_str().unwrap_or_default();
    assert!(message.ends_with("Runtime exited with error: signal: killed"), "{answer:?}");
    let answer = functions.invoke(&json!("fork")).await;
    let is_refused = answer.payload["count"].as_u64().is_some_and(|count| count <= 1024);
    assert!(is_refused || answer.error.is_some(), "{answer:?}");
}

#[tokio::test]
async fn changed_code_and_configuration_are_used_at_once() {
    if !host_isolates() {
        return;
    }
    let functions = Functions::start();
    let old = bash(r#"answer="\"old $A\"""#);
    functions.shell(&old).await;
    assert_eq!(functions.invoke(&json!({})).await.payload, "old ");
    let input = lambda_api::UpdateFunctionConfigurationInput {
        function_name: "f".to_owned(),
        environment: Some(variables(&[("A", "1")])),
        ..Default::default()
    };
    functions.region.call::<lambda_api::op::UpdateFunctionConfiguration>(input).await.unwrap();
    assert_eq!(functions.invoke(&json!({})).await.payload, "old 1");
    let new = bash(r#"answer="\"new $A\"""#);
    let input = lambda_api::UpdateFunctionCodeInput {
        function_name: "f".to_owned(),
        zip_file: Some(crate::kit::zip(&[("bootstrap", &new)]).into()),
        publish: Some(true),
        ..Default::default()
    };
    let published = functions.region.call::<lambda_api::op::UpdateFunctionCode>(input).await.unwrap();
    assert_eq!(published.version.as_deref(), Some("1"));
    for name in [
        "f",
        "f:1",
        "f:$LATEST",
        "000000000000:function:f",
        "arn:aws:lambda:us-east-1:000000000000:function:f:1",
    ] {
        assert_eq!(functions.try_invoke(name, &json!({})).await.unwrap().payload, "new 1", "{name}");
    }
}

#[tokio::test]
async fn a_reserved_concurrency_throttles() {
    if !host_isolates() {
        return;
    }
    let functions = Functions::start();
    functions.shell(&bash(r#"sleep 2; answer="1""#)).await;
    let reserve = |count| lambda_api::PutFunctionConcurrencyInput {
        function_name: "f".to_owned(),
        reserved_concurrent_executions: count,
    };
    let too_many = functions.region.call::<lambda_api::op::PutFunctionConcurrency>(reserve(901)).await;
    assert_eq!(too_many.unwrap_err().name(), "InvalidParameterValueException");
    functions.region.call::<lambda_api::op::PutFunctionConcurrency>(reserve(1)).await.unwrap();
    let event = json!({});
    let (first, second) = tokio::join!(functions.try_invoke("f", &event), functions.try_invoke("f", &event));
    assert_eq!(first.unwrap().payload, 1);
    let error = second.unwrap_err();
    assert_eq!(
        (error.status(), error.name(), error.message()),
        (429, "TooManyRequestsException", "Rate Exceeded.")
    );
    assert!(functions.try_invoke("f", &event).await.is_ok());
}

#[tokio::test]
async fn node_functions_of_all_forms_answer() {
    if !host_isolates() || !installed("node") {
        return;
    }
    let functions = Functions::start();
    let cases = [
        (
            "esm",
            "index.mjs",
            "export const handler = async (event, context) => { console.log('hi'); return { e: event, n: context.functionName }; };",
        ),
        (
            "commonjs",
            "index.js",
            "exports.handler = async (event, context) => { console.log('hi'); return { e: event, n: context.functionName }; };",
        ),
        (
            "callback",
            "index.js",
            "exports.handler = (event, context, callback) => { console.log('hi'); setTimeout(() => callback(null, { e: event, n: context.functionName }), 5); };",
        ),
    ];
    for (name, file, code) in cases {
        functions.create(name, "nodejs20.x", &[(file, code)], |_| {}).await.unwrap();
        for _ in 0..2 {
            let answer = functions.try_invoke(name, &json!([1])).await.unwrap();
            assert_eq!(answer.payload, json!({"e": [1], "n": name}), "{name} {answer:?}");
            assert!(answer.log.contains("\tINFO\thi\n"), "{}", answer.log);
        }
    }
    let code = "exports.handler = async () => { throw new TypeError('no good'); };";
    functions.create("throwing", "nodejs20.x", &[("index.js", code)], |_| {}).await.unwrap();
    let answer = functions.try_invoke("throwing", &json!({})).await.unwrap();
    assert_eq!(
        (&answer.payload["errorType"], &answer.payload["errorMessage"]),
        (&json!("TypeError"), &json!("no good"))
    );
    assert_eq!(answer.payload["trace"][0], "TypeError: no good");
    functions.create("missing", "nodejs20.x", &[("other.js", code)], |_| {}).await.unwrap();
    let answer = functions.try_invoke("missing", &json!({})).await.unwrap();
    assert_eq!(answer.payload["errorType"], "Runtime.ImportModuleError", "{answer:?}");
}

#[tokio::test]
async fn more_events_than_memory_share_the_environments_that_fit() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::with(|config| config.memory_mb = 512);
    let files = [("index.py", "def handler(event, context):\n    return event\n")];
    let small = |input: &mut lambda_api::CreateFunctionInput| input.memory_size = Some(256);
    functions.create("f", "python3.12", &files, small).await.unwrap();
    functions.create("g", "python3.12", &files, small).await.unwrap();
    let functions = std::sync::Arc::new(functions);
    let mut running = tokio::task::JoinSet::new();
    for number in 0..40 {
        let functions = std::sync::Arc::clone(&functions);
        let name = if number % 4 == 0 { "g" } else { "f" };
        running.spawn(async move {
            functions.try_invoke(name, &json!(number)).await.map(|answer| answer.payload == number)
        });
    }
    while let Some(done) = running.join_next().await {
        assert!(done.unwrap().unwrap(), "every event has its own answer");
    }
}

#[tokio::test]
async fn environments_take_turns_to_start_and_few_do_the_work() {
    if !host_isolates() || !installed("python3") {
        return;
    }
    let functions = Functions::start();
    let code = "import time, uuid\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n\
                own = str(uuid.uuid4())\ndef handler(event, context):\n    return own\n";
    functions.python(code).await;
    let functions = std::sync::Arc::new(functions);
    let mut running = tokio::task::JoinSet::new();
    for number in 0..60 {
        let functions = std::sync::Arc::clone(&functions);
        running.spawn(async move { functions.invoke(&json!(number)).await });
    }
    let mut environments = std::collections::HashSet::new();
    while let Some(done) = running.join_next().await {
        let answer = done.unwrap();
        assert_eq!(answer.error, None, "{answer:?}");
        environments.insert(answer.payload.to_string());
    }
    assert!(environments.len() <= 20, "{} environments for 60 short events", environments.len());
}
