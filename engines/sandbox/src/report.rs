//! What isolation is in force on this host, and why not more.

use std::fmt;

/// How sandboxes are walled off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Namespaces made with the host's privileges; programs run as a user of their own.
    Namespaces,
    /// Namespaces inside a user namespace, without privileges on the host.
    UserNamespace,
    /// No namespaces: programs see the host's files, processes and network.
    PlainProcess,
}

/// Whether one wall stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// In force; the text says by what means.
    InForce(String),
    /// Something weaker is in force; the text says what, and why.
    Degraded(String),
    /// Not in force; the text says why.
    Missing(String),
}

/// One wall of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its name, such as `pid namespace` or `memory limit`.
    pub name: &'static str,
    /// Whether it stands.
    pub state: State,
}

/// What isolation is in force. Its `Display` is one line per feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostReport {
    /// How sandboxes are walled off.
    pub mode: Mode,
    /// Every wall, in a fixed order.
    pub features: Vec<Feature>,
}

impl HostReport {
    /// The state of the feature of that name.
    pub fn state(&self, name: &str) -> Option<&State> {
        self.features.iter().find(|feature| feature.name == name).map(|feature| &feature.state)
    }

    /// Whether the named feature stands in full.
    pub fn has(&self, name: &str) -> bool {
        matches!(self.state(name), Some(State::InForce(_)))
    }

    /// Whether programs see a file system of their own. Otherwise mounts are not made; the program and the
    /// working directory are looked up at their mounts' sources instead, and everything else that names a path
    /// inside must name the host's.
    pub fn isolates_files(&self) -> bool {
        self.mode != Mode::PlainProcess
    }

    /// Whether `Network::Isolated` holds. Otherwise its ports are the host's and must be free there.
    pub fn isolates_network(&self) -> bool {
        self.has("network namespace")
    }

    /// What a user should know before running code that they do not trust.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.mode == Mode::PlainProcess {
            warnings.push("programs run as plain processes and can read this machine's files".to_owned());
        }
        for feature in &self.features {
            match &feature.state {
                State::InForce(_) => {}
                State::Degraded(why) => warnings.push(format!("{} is weaker: {why}", feature.name)),
                State::Missing(why) => warnings.push(format!("no {}: {why}", feature.name)),
            }
        }
        warnings
    }
}

impl fmt::Display for HostReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            Mode::Namespaces => "namespaces",
            Mode::UserNamespace => "namespaces within a user namespace",
            Mode::PlainProcess => "plain processes",
        };
        write!(f, "isolation: {mode}")?;
        for Feature { name, state } in &self.features {
            match state {
                State::InForce(how) => write!(f, "\n  {name:<18} yes   {how}")?,
                State::Degraded(why) => write!(f, "\n  {name:<18} weak  {why}")?,
                State::Missing(why) => write!(f, "\n  {name:<18} no    {why}")?,
            }
        }
        Ok(())
    }
}
