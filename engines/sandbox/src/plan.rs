//! A plan: the system calls that turn a fresh process into a sandbox, encoded for `init/main.rs` to carry out.
//!
//! The image is always mapped at [`ADDRESS`], so text and structures appended to it have a known address at
//! once, and a step's arguments are final when it is written.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::SandboxError;

/// Where the image is mapped; also in `init/main.rs`. Within 39 bits, the smallest address space in use.
const ADDRESS: u64 = 0x10_0000_0000;
/// The longest image; also in `init/main.rs`. The kernel takes 2 MiB of arguments at most.
const LIMIT: usize = 8 << 20;
const MAGIC: u64 = 0x314e_414c_5058_4253;
const HEADER_BYTES: usize = 56;

/// The descriptors that a sandbox's first process is given, by number; also in `init/main.rs`.
pub(crate) mod fd {
    pub(crate) const READY: i32 = 4;
    pub(crate) const STATUS: i32 = 5;
    /// The first of the control groups' files, if any.
    pub(crate) const GROUPS: i32 = 6;
}

/// When a step is carried out and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// By process 1, before the program's process exists.
    Setup,
    /// By the program's process, up to its exec.
    Program,
    /// By process 1, after the program's process exists.
    Supervise,
}

/// Which failures let the plan go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tolerate {
    Nothing,
    Errno(i32),
    Anything,
}

struct Step {
    number: i64,
    arguments: [u64; 6],
    tolerate: Tolerate,
    label: Cow<'static, str>,
}

/// A plan being written.
#[derive(Default)]
pub(crate) struct Plan {
    data: Vec<u8>,
    phases: [Vec<Step>; 3],
}

impl Plan {
    /// Puts bytes into the image and returns their address.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> u64 {
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let address = ADDRESS + (HEADER_BYTES + self.data.len()) as u64;
        self.data.extend_from_slice(bytes);
        address
    }

    /// Puts 64-bit words into the image and returns their address.
    pub(crate) fn words(&mut self, words: &[u64]) -> u64 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.bytes(&bytes)
    }

    pub(crate) fn text(&mut self, text: &CStr) -> u64 {
        self.bytes(text.to_bytes_with_nul())
    }

    /// Puts a string from outside into the image, with the zero byte that the kernel wants.
    pub(crate) fn string(&mut self, text: &OsStr) -> Result<u64, SandboxError> {
        let text = CString::new(text.as_bytes())
            .map_err(|_| SandboxError::Invalid(format!("a zero byte in {}", text.to_string_lossy())))?;
        Ok(self.text(&text))
    }

    pub(crate) fn path(&mut self, path: &Path) -> Result<u64, SandboxError> {
        self.string(path.as_os_str())
    }

    /// A list of strings as execve takes it.
    pub(crate) fn strings<'a>(
        &mut self,
        strings: impl Iterator<Item = Cow<'a, OsStr>>,
    ) -> Result<u64, SandboxError> {
        let mut addresses = strings.map(|string| self.string(&string)).collect::<Result<Vec<_>, _>>()?;
        addresses.push(0);
        Ok(self.words(&addresses))
    }

    pub(crate) fn step(
        &mut self,
        phase: Phase,
        label: impl Into<Cow<'static, str>>,
        number: i64,
        arguments: &[u64],
    ) {
        self.tolerant_step(phase, label, Tolerate::Nothing, number, arguments);
    }

    pub(crate) fn tolerant_step(
        &mut self,
        phase: Phase,
        label: impl Into<Cow<'static, str>>,
        tolerate: Tolerate,
        number: i64,
        arguments: &[u64],
    ) {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        let step = Step { number, arguments: all, tolerate, label: label.into() };
        self.phases[phase as usize].push(step);
    }

    /// The finished image, and what is needed to understand its failure.
    pub(crate) fn finish(mut self, program: PathBuf) -> Result<(Vec<u8>, Labels), SandboxError> {
        let phases = std::mem::take(&mut self.phases);
        let mut header = vec![MAGIC];
        for steps in &phases {
            let words: Vec<u64> = steps.iter().flat_map(encode).collect();
            header.extend([self.words(&words), steps.len() as u64]);
        }
        let mut image: Vec<u8> = header.iter().flat_map(|word| word.to_ne_bytes()).collect();
        debug_assert_eq!(image.len(), HEADER_BYTES);
        image.append(&mut self.data);
        if image.len() > LIMIT {
            return Err(SandboxError::Invalid(format!(
                "arguments and environment take {} bytes; at most {LIMIT} are possible",
                image.len()
            )));
        }
        let labels = phases.map(|steps| steps.into_iter().map(|step| step.label).collect());
        Ok((image, Labels { phases: labels, program }))
    }
}

fn encode(step: &Step) -> [u64; 8] {
    let tolerated = match step.tolerate {
        Tolerate::Nothing => 0,
        Tolerate::Errno(errno) => i64::from(errno),
        Tolerate::Anything => -1,
    };
    let [a, b, c, d, e, f] = step.arguments;
    [step.number as u64, a, b, c, d, e, f, tolerated as u64]
}

/// What each step was for, to word its failure.
pub(crate) struct Labels {
    phases: [Vec<Cow<'static, str>>; 3],
    program: PathBuf,
}

impl Labels {
    /// Reads the record that the first process writes when a step fails: phase, step and errno.
    pub(crate) fn explain(&self, record: &[u8]) -> SandboxError {
        let number = |at: usize| {
            record
                .get(at..at + 4)
                .and_then(|bytes| bytes.try_into().ok())
                .map_or(u32::MAX, u32::from_ne_bytes)
        };
        let source = io::Error::from_raw_os_error(number(8) as i32);
        let label = self.phases.get(number(0) as usize).and_then(|steps| steps.get(number(4) as usize));
        let step = label.map_or_else(|| "starting the first process".to_owned(), |label| label.to_string());
        match number(0) {
            phase if phase == Phase::Program as u32 => {
                SandboxError::Program { program: self.program.clone(), step, source }
            }
            _ => SandboxError::Setup { step, source },
        }
    }
}
