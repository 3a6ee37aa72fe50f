//! Zstandard, decompressed as it arrives: `ruzstd` decodes, and this feeds it one whole block at a time, so that no more
//! than a block's 128 KB is waiting on either side (RFC 8878).

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::records::{Malformed, malformed};

/// The longest header of a frame, with its magic number.
const LONGEST_HEADER: usize = 18;
const BLOCK_HEADER: usize = 3;
const CHECKSUM: usize = 4;
/// Frames that ask for a larger window are refused, as the `zstd` program does by default.
const LARGEST_WINDOW: u64 = 128 << 20;
const SKIPPABLE: std::ops::RangeInclusive<u32> = 0x184d_2a50..=0x184d_2a5f;

pub(super) struct ZstdDecoder {
    frame: FrameDecoder,
    state: State,
    waiting: Vec<u8>,
    /// What is decompressed, to be taken away.
    pub out: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    BetweenFrames,
    InFrame { has_checksum: bool },
    Skipping(u64),
}

impl Default for ZstdDecoder {
    fn default() -> Self {
        let mut frame = FrameDecoder::new();
        frame.set_max_window_size(LARGEST_WINDOW);
        Self { frame, state: State::BetweenFrames, waiting: Vec::new(), out: Vec::new() }
    }
}

impl ZstdDecoder {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.waiting.extend_from_slice(bytes);
        self.run(false)
    }

    pub(super) fn finish(&mut self) -> Result<(), Malformed> {
        self.run(true)?;
        if self.state == State::BetweenFrames && self.waiting.is_empty() {
            return Ok(());
        }
        Err(malformed("it ends too early"))
    }

    fn run(&mut self, is_last: bool) -> Result<(), Malformed> {
        let mut at = 0;
        loop {
            let rest = &self.waiting[at..];
            let taken = match self.state {
                State::BetweenFrames => begin(&mut self.frame, rest, is_last)?.map(|(taken, state)| {
                    self.state = state;
                    taken
                }),
                State::Skipping(left) => {
                    let taken = left.min(rest.len() as u64);
                    self.state =
                        if taken == left { State::BetweenFrames } else { State::Skipping(left - taken) };
                    (taken > 0 || left == 0).then_some(taken as usize)
                }
                State::InFrame { has_checksum } => {
                    let Some((length, is_end)) = block_length(rest, has_checksum) else { break };
                    let mut block = &rest[..length];
                    let strategy = BlockDecodingStrategy::UptoBlocks(1);
                    self.frame.decode_blocks(&mut block, strategy).map_err(malformed)?;
                    self.frame.collect_to_writer(&mut self.out).map_err(malformed)?;
                    if is_end {
                        let is_right = self.frame.get_checksum_from_data().is_none_or(|told| {
                            self.frame.get_calculated_checksum().is_none_or(|found| found == told)
                        });
                        if !is_right {
                            return Err(malformed("its checksum does not match"));
                        }
                        self.state = State::BetweenFrames;
                    }
                    Some(length)
                }
            };
            match taken {
                Some(taken) => at += taken,
                None => break,
            }
        }
        self.waiting.drain(..at);
        Ok(())
    }
}

/// Reads a frame's header once it is there.
fn begin(frame: &mut FrameDecoder, rest: &[u8], is_last: bool) -> Result<Option<(usize, State)>, Malformed> {
    let (Some(magic), Some(next)) = (rest.first_chunk::<4>(), rest.get(4..)) else { return Ok(None) };
    if SKIPPABLE.contains(&u32::from_le_bytes(*magic)) {
        let length = next.first_chunk::<4>().map(|length| u32::from_le_bytes(*length));
        return Ok(length.map(|length| (8, State::Skipping(u64::from(length)))));
    }
    if rest.len() < LONGEST_HEADER && !is_last {
        return Ok(None);
    }
    let Some(descriptor) = next.first() else { return Ok(None) };
    let mut source = rest;
    frame.reset(&mut source).map_err(malformed)?;
    let taken = rest.len() - source.len();
    Ok(Some((taken, State::InFrame { has_checksum: descriptor & 4 != 0 })))
}

/// The length of the block that `rest` begins with, and whether it is the frame's last; `None` while it is not whole.
fn block_length(rest: &[u8], has_checksum: bool) -> Option<(usize, bool)> {
    let [low, middle, high] = *rest.first_chunk::<BLOCK_HEADER>()?;
    let header = u32::from_le_bytes([low, middle, high, 0]);
    let (is_last, kind, size) = (header & 1 == 1, (header >> 1) & 3, (header >> 3) as usize);
    // A block of kind 1 is one byte, repeated.
    let content = if kind == 1 { 1 } else { size };
    let end = if is_last && has_checksum { CHECKSUM } else { 0 };
    let length = BLOCK_HEADER + content + end;
    (rest.len() >= length).then_some((length, is_last))
}
