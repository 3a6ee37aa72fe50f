//! Runtimes: which interpreter runs which function, and what it is started with.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandbox::Mount;
use shapes::ApiError;
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::{Config, errors};

const PYTHON_BOOTSTRAP: &str = include_str!("../runtimes/python/bootstrap.py");
const NODE_BOOTSTRAP: &str = include_str!("../runtimes/node/bootstrap.cjs");

/// Where a function's own files are.
pub(crate) const TASK_ROOT: &str = "/var/task";
/// Where the files of its layers are.
pub(crate) const LAYERS_ROOT: &str = "/opt";
/// Where our bootstraps are.
pub(crate) const RUNTIME_DIR: &str = "/var/runtime";
const PYTHON_PACKAGES: &str = "/var/lang/python-packages";
const NODE_PACKAGES: &str = "/var/lang/node_modules";

/// What a runtime's name stands for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuntimeKind {
    Python,
    Node,
    /// The function brings its own `bootstrap`.
    Provided,
}

impl RuntimeKind {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "provided" | "provided.al2" | "provided.al2023" => Some(Self::Provided),
            _ if name.strip_prefix("python3.").is_some_and(is_number) => Some(Self::Python),
            _ if name
                .strip_prefix("nodejs")
                .and_then(|rest| rest.strip_suffix(".x"))
                .is_some_and(is_number) =>
            {
                Some(Self::Node)
            }
            _ => None,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What serves the functions of a runtime here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeReport {
    /// `python3.*`, `nodejs*`
    pub runtimes: &'static str,
    /// The interpreter and its version, or why there is none.
    pub interpreter: Result<(PathBuf, String), String>,
}

/// An interpreter that was asked about itself.
#[derive(Clone, Debug)]
struct Interpreter {
    program: PathBuf,
    version: String,
    /// What has to be visible where the interpreter is not one of the system's.
    mounts: Vec<Mount>,
    /// On the host; the folder of our bootstrap for it.
    bootstrap_dir: PathBuf,
}

/// What a function brings, on the host.
pub(crate) struct Files<'a> {
    pub runtime: &'a str,
    pub code: &'a Path,
    /// All layers in one folder.
    pub layers: Option<&'a Path>,
    /// A script that starts the runtime in its way, as the program sees it.
    pub wrapper: Option<&'a str>,
}

/// How a runtime is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launch {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub mounts: Vec<Mount>,
    pub env: Vec<(&'static str, String)>,
    /// For the log: `python3.11.7`.
    pub description: String,
}

/// The interpreters of this machine, each asked about itself once.
pub(crate) struct Runtimes {
    data_dir: PathBuf,
    python: Option<PathBuf>,
    node: Option<PathBuf>,
    python_packages: Option<PathBuf>,
    node_packages: Option<PathBuf>,
    is_isolating_files: bool,
    found_python: OnceCell<Result<Arc<Interpreter>, String>>,
    found_node: OnceCell<Result<Arc<Interpreter>, String>>,
}

impl Runtimes {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            data_dir: config.data_dir.clone(),
            python: config.python.clone(),
            node: config.node.clone(),
            python_packages: config.python_packages.clone().filter(|folder| folder.is_dir()),
            node_packages: config.node_packages.clone().filter(|folder| folder.is_dir()),
            is_isolating_files: config.sandboxes.report().isolates_files(),
            found_python: OnceCell::new(),
            found_node: OnceCell::new(),
        }
    }

    pub(crate) async fn report(&self) -> Vec<RuntimeReport> {
        let describe = |found: &Result<Arc<Interpreter>, String>| match found {
            Ok(interpreter) => Ok((interpreter.program.clone(), interpreter.version.clone())),
            Err(why) => Err(why.clone()),
        };
        vec![
            RuntimeReport { runtimes: "python3.*", interpreter: describe(self.python().await) },
            RuntimeReport { runtimes: "nodejs*", interpreter: describe(self.node().await) },
        ]
    }

    /// How a function with these files is started.
    pub(crate) async fn launch(&self, kind: RuntimeKind, files: &Files<'_>) -> Result<Launch, ApiError> {
        let mut launch = match kind {
            RuntimeKind::Provided => self.provided(files),
            RuntimeKind::Python => self.launch_python(files).await?,
            RuntimeKind::Node => self.launch_node(files).await?,
        };
        // Developer Guide, "Modifying the runtime environment", "Wrapper scripts".
        if kind != RuntimeKind::Provided
            && let Some(wrapper) = files.wrapper
        {
            launch.args.insert(0, std::mem::take(&mut launch.program).into());
            launch.program = wrapper.into();
        }
        launch.mounts.push(Mount::read_only(files.code, TASK_ROOT));
        if let Some(layers) = files.layers {
            launch.mounts.push(Mount::read_only(layers, LAYERS_ROOT));
        }
        Ok(launch)
    }

    fn provided(&self, files: &Files<'_>) -> Launch {
        let own = files.code.join("bootstrap").exists();
        let program = match files.layers.filter(|_| !own) {
            Some(layers) => self.seen(LAYERS_ROOT, layers).join("bootstrap"),
            None => self.seen(TASK_ROOT, files.code).join("bootstrap"),
        };
        Launch { program, description: "provided".to_owned(), ..Launch::default() }
    }

    async fn launch_python(&self, files: &Files<'_>) -> Result<Launch, ApiError> {
        let python = self.python().await.as_ref().map_err(errors::cannot_run)?;
        let runtime = self.seen(RUNTIME_DIR, &python.bootstrap_dir);
        let mut launch = Launch {
            program: python.program.clone(),
            // Packages of the machine are not the function's, and looking for them takes time.
            args: vec!["-S".into(), runtime.join("bootstrap.pyc").into()],
            mounts: python.mounts.clone(),
            description: format!("python{}", python.version),
            ..Launch::default()
        };
        launch.mounts.push(Mount::read_only(&python.bootstrap_dir, RUNTIME_DIR));
        let mut places = Vec::new();
        if let Some(layers) = files.layers {
            let folder = self.seen(LAYERS_ROOT, layers).join("python");
            // Layers are made for the version that the function asks for, which may not be the one that is here.
            let asked = files.runtime.strip_prefix("python").unwrap_or_default();
            places.push(folder.join(format!("lib/python{asked}/site-packages")));
            places.push(folder);
        }
        if let Some(packages) = &self.python_packages {
            launch.mounts.push(Mount::read_only(packages, PYTHON_PACKAGES));
            places.push(self.seen(PYTHON_PACKAGES, packages));
        }
        launch.env.extend(joined(&places).map(|places| ("BRUME_PYTHON_PACKAGES", places)));
        Ok(launch)
    }

    async fn launch_node(&self, files: &Files<'_>) -> Result<Launch, ApiError> {
        let node = self.node().await.as_ref().map_err(errors::cannot_run)?;
        let runtime = self.seen(RUNTIME_DIR, &node.bootstrap_dir);
        let mut launch = Launch {
            program: node.program.clone(),
            args: vec![runtime.join("bootstrap.cjs").into()],
            mounts: node.mounts.clone(),
            description: format!("node{}", node.version),
            ..Launch::default()
        };
        launch.mounts.push(Mount::read_only(&node.bootstrap_dir, RUNTIME_DIR));
        let mut places = Vec::new();
        if let Some(layers) = files.layers {
            let folder = self.seen(LAYERS_ROOT, layers).join("nodejs");
            let asked = files.runtime.strip_suffix(".x").unwrap_or(files.runtime);
            places.push(folder.join(asked.replace("nodejs", "node")).join("node_modules"));
            places.push(folder.join("node_modules"));
        }
        if let Some(packages) = &self.node_packages {
            launch.mounts.push(Mount::read_only(packages, NODE_PACKAGES));
            places.push(self.seen(NODE_PACKAGES, packages));
        }
        launch.env.extend(joined(&places).map(|places| ("NODE_PATH", places)));
        Ok(launch)
    }

    /// The path by which the program sees what is `host` on the host.
    pub(crate) fn seen(&self, inside: &str, host: &Path) -> PathBuf {
        if self.is_isolating_files { PathBuf::from(inside) } else { host.to_path_buf() }
    }

    async fn python(&self) -> &Result<Arc<Interpreter>, String> {
        let find = || async {
            let folder = self.data_dir.join("runtimes/python");
            let program = self.python.clone().unwrap_or_else(|| "python3".into());
            let source = folder.join("bootstrap.py");
            write(&source, PYTHON_BOOTSTRAP).map_err(|error| format!("{}: {error}", source.display()))?;
            // One run tells where the interpreter really is, and compiles our bootstrap for it.
            let script = "import os, py_compile, sys\n\
                          program = os.path.realpath(getattr(sys, '_base_executable', '') or sys.executable)\n\
                          folder = sys.argv[1]\n\
                          draft = os.path.join(folder, f'bootstrap.{os.getpid()}.pyc')\n\
                          py_compile.compile(os.path.join(folder, 'bootstrap.py'), cfile=draft,\n    \
                          dfile='/var/runtime/bootstrap.py', doraise=True)\n\
                          os.replace(draft, os.path.join(folder, 'bootstrap.pyc'))\n\
                          print(program, sys.base_prefix, '%d.%d.%d' % sys.version_info[:3], sep='\\n')";
            let mut command = Command::new(&program);
            command.args(["-c", script]).arg(&folder);
            interpreter(command, folder).await
        };
        self.found_python.get_or_init(find_boxed(find)).await
    }

    async fn node(&self) -> &Result<Arc<Interpreter>, String> {
        let find = || async {
            let folder = self.data_dir.join("runtimes/node");
            let program = self.node.clone().unwrap_or_else(|| "node".into());
            let source = folder.join("bootstrap.cjs");
            write(&source, NODE_BOOTSTRAP).map_err(|error| format!("{}: {error}", source.display()))?;
            let script = "const path = require('path'); const real = require('fs').realpathSync(process.execPath); \
                          console.log([real, path.dirname(path.dirname(real)), process.versions.node].join('\\n'))";
            let mut command = Command::new(&program);
            command.args(["-e", script]);
            interpreter(command, folder).await
        };
        self.found_node.get_or_init(find_boxed(find)).await
    }
}

/// Places as a variable lists them.
fn joined(places: &[PathBuf]) -> Option<String> {
    let places: Vec<_> = places.iter().map(|place| place.to_string_lossy()).collect();
    (!places.is_empty()).then(|| places.join(":"))
}

/// Keeps the futures of callers small.
fn find_boxed<F, Fut>(find: F) -> impl FnOnce() -> std::pin::Pin<Box<Fut>>
where
    F: FnOnce() -> Fut,
{
    move || Box::pin(find())
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let draft = path.with_extension(format!("draft{}", std::process::id()));
    std::fs::write(&draft, text)?;
    std::fs::rename(&draft, path)
}

/// Runs a program that prints where it is, what its installation's folder is, and its version.
async fn interpreter(mut command: Command, bootstrap_dir: PathBuf) -> Result<Arc<Interpreter>, String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.kill_on_drop(true).stdin(std::process::Stdio::null());
    let output = command.output().await.map_err(|error| format!("{name} cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let (Some(program), Some(prefix), Some(version), true) =
        (lines.next(), lines.next(), lines.next(), output.status.success())
    else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} does not work: {}", complaint.lines().last().unwrap_or("no answer")));
    };
    let prefix = Path::new(prefix);
    let is_of_the_system = prefix.starts_with("/usr") || prefix == Path::new("/");
    let mounts = if is_of_the_system { Vec::new() } else { vec![Mount::read_only(prefix, prefix)] };
    let (program, version) = (PathBuf::from(program), version.to_owned());
    Ok(Arc::new(Interpreter { program, version, mounts, bootstrap_dir }))
}

#[cfg(test)]
mod tests {
    use super::RuntimeKind;

    #[test]
    fn runtimes_are_known_by_name() {
        assert_eq!(RuntimeKind::parse("python3.13"), Some(RuntimeKind::Python));
        assert_eq!(RuntimeKind::parse("nodejs22.x"), Some(RuntimeKind::Node));
        assert_eq!(RuntimeKind::parse("provided.al2023"), Some(RuntimeKind::Provided));
        for other in ["python2.7", "python3.", "nodejs", "nodejs20", "java21", "provided.al3", ""] {
            assert_eq!(RuntimeKind::parse(other), None, "{other}");
        }
    }
}
