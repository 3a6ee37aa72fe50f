//! How long starting and invoking takes. Prints figures; what it asserts are bounds that only a mistake would break.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lambda_api::InvokeInput;
use lambda_api::op::Invoke;

use crate::kit::{Functions, host_isolates, installed};
use crate::running::bash;

const WARM: usize = 300;
const COLD: usize = 12;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

async fn invoke(functions: &Functions, name: &str) {
    let input =
        InvokeInput { function_name: name.to_owned(), payload: Some("{}".into()), ..Default::default() };
    let output = functions.region.call::<Invoke>(input).await.expect("it is invoked");
    assert_eq!(output.function_error, None, "{output:?}");
}

/// The median of warm invocations, and of those that start an environment.
async fn measure(functions: &Functions, name: &str) -> (Duration, Duration) {
    let mut cold = Vec::new();
    for _ in 0..COLD {
        functions.service.end_environments();
        // What ends must not compete with what starts.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let begun = Instant::now();
        invoke(functions, name).await;
        cold.push(begun.elapsed());
    }
    let mut warm = Vec::new();
    for _ in 0..WARM {
        let begun = Instant::now();
        invoke(functions, name).await;
        warm.push(begun.elapsed());
    }
    (median(warm), median(cold))
}

fn bare(program: &Path, arguments: &[&str]) -> Duration {
    let run = || {
        let begun = Instant::now();
        let status = Command::new(program).args(arguments).env_clear().status().expect("it runs");
        assert!(status.success());
        begun.elapsed()
    };
    median((0..COLD).map(|_| run()).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn starting_and_invoking_costs_little() {
    if !host_isolates() || !installed("python3") || !installed("node") {
        return;
    }
    let functions = Functions::start();
    let python = [("index.py", "def handler(event, context):\n    return event\n")];
    functions.create("python", "python3.12", &python, |_| {}).await.unwrap();
    let node = [("index.js", "exports.handler = async (event) => event;")];
    functions.create("node", "nodejs20.x", &node, |_| {}).await.unwrap();
    functions.create("provided", "provided", &[("bootstrap", &bash("answer=1"))], |_| {}).await.unwrap();
    let (warm, cold) = measure(&functions, "provided").await;
    println!(
        "provided (bash): warm {warm:?}, cold {cold:?}, bare {:?}",
        bare(Path::new("/bin/bash"), &["-c", ":"])
    );
    for report in functions.service.runtimes().await {
        let (program, version) = report.interpreter.expect("it is installed");
        let (name, arguments): (_, &[&str]) = match report.runtimes {
            "python3.*" => ("python", &["-S", "-c", "pass"]),
            _ => ("node", &["-e", "0"]),
        };
        let bare = bare(&program, arguments);
        let (warm, cold) = measure(&functions, name).await;
        println!("{name} {version}: warm {warm:?}, cold {cold:?}, bare interpreter {bare:?}");
        assert!(warm < Duration::from_millis(100), "{warm:?}");
    }
    invoke(&functions, "python").await;
    let frozen = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let begun = Instant::now();
        invoke(&functions, "python").await;
        begun.elapsed()
    };
    println!("the first event after freezing: {:?}", frozen.await);
}
