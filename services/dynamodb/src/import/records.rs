//! The records of an object, out of its compressed pieces.

use std::io::Write;

use flate2::write::MultiGzDecoder;

use super::rows::{Compression, Format};
use super::zstd::ZstdDecoder;

/// The longest record: an item of 400 KB whose every byte is escaped.
const LONGEST: usize = 4 << 20;
/// So much of a piece is decompressed at once, which bounds what it may become.
const SLICE: usize = 2048;

/// An object cannot be read further.
#[derive(Debug)]
pub(super) struct Malformed(pub String);

enum Decoder {
    None(Vec<u8>),
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zstd(Box<ZstdDecoder>),
}

/// Splits the content of an object into records: lines, and in CSV lines whose quotes are closed.
pub(super) struct Records {
    decoder: Decoder,
    has_quotes: bool,
    /// Compressed bytes that are not yet looked at.
    input: bytes::Bytes,
    /// Decompressed bytes that are in no record yet.
    text: Vec<u8>,
    /// How much of `text` has no end of a record in it.
    searched: usize,
    is_quoted: bool,
    has_ended: bool,
}

impl Records {
    pub(super) fn new(compression: Compression, format: &Format) -> Self {
        let decoder = match compression {
            Compression::None => Decoder::None(Vec::new()),
            Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Compression::Zstd => Decoder::Zstd(Box::default()),
        };
        Self {
            decoder,
            has_quotes: matches!(format, Format::Csv { .. }),
            input: bytes::Bytes::new(),
            text: Vec::new(),
            searched: 0,
            is_quoted: false,
            has_ended: false,
        }
    }

    /// Takes the next piece of the object, once [`Self::next`] has asked for it.
    pub(super) fn push(&mut self, piece: bytes::Bytes) {
        self.input = piece;
    }

    /// The object has no more pieces.
    pub(super) fn end(&mut self) -> Result<(), Malformed> {
        match &mut self.decoder {
            Decoder::None(_) => {}
            Decoder::Gzip(decoder) => decoder.try_finish().map_err(malformed)?,
            Decoder::Zstd(decoder) => decoder.finish()?,
        }
        self.take_output();
        self.has_ended = true;
        Ok(())
    }

    /// The next record without its line's end; `None` when another piece is needed, or after the end.
    pub(super) fn next(&mut self) -> Result<Option<String>, Malformed> {
        loop {
            if let Some(end) = self.find_end() {
                return self.take_record(end).map(Some);
            }
            if self.text.len() > LONGEST {
                return Err(Malformed("A record is longer than an item may be".to_owned()));
            }
            if self.input.is_empty() {
                break;
            }
            let slice = self.input.split_to(SLICE.min(self.input.len()));
            match &mut self.decoder {
                Decoder::None(out) => out.extend_from_slice(&slice),
                Decoder::Gzip(decoder) => decoder.write_all(&slice).map_err(malformed)?,
                Decoder::Zstd(decoder) => decoder.push(&slice)?,
            }
            self.take_output();
        }
        if self.has_ended && !self.text.is_empty() {
            return self.take_record(self.text.len()).map(Some);
        }
        Ok(None)
    }

    fn take_output(&mut self) {
        let out = match &mut self.decoder {
            Decoder::None(out) => out,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => &mut decoder.out,
        };
        self.text.append(out);
    }

    fn find_end(&mut self) -> Option<usize> {
        while let Some(byte) = self.text.get(self.searched) {
            match byte {
                b'"' if self.has_quotes => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => return Some(self.searched),
                _ => {}
            }
            self.searched += 1;
        }
        None
    }

    fn take_record(&mut self, end: usize) -> Result<String, Malformed> {
        let rest = self.text.split_off((end + 1).min(self.text.len()));
        let mut record = std::mem::replace(&mut self.text, rest);
        (self.searched, self.is_quoted) = (0, false);
        record.truncate(end);
        if record.last() == Some(&b'\r') {
            record.pop();
        }
        String::from_utf8(record).map_err(|_| Malformed("The object is not UTF-8".to_owned()))
    }
}

pub(super) fn malformed(error: impl std::fmt::Display) -> Malformed {
    Malformed(format!("The object cannot be decompressed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(compression: Compression, format: &Format, content: &[u8], piece: usize) -> Vec<String> {
        let mut records = Records::new(compression, format);
        let mut found = Vec::new();
        for piece in content.chunks(piece) {
            records.push(bytes::Bytes::copy_from_slice(piece));
            while let Some(record) = records.next().unwrap() {
                found.push(record);
            }
        }
        records.end().unwrap();
        while let Some(record) = records.next().unwrap() {
            found.push(record);
        }
        found
    }

    #[test]
    fn records_are_the_same_however_the_object_arrives() {
        let lines: Vec<_> = (0..3000).map(|number| format!("line {number}")).collect();
        let text = lines.join("\r\n");
        let mut gzip = Vec::new();
        // Several members, one behind the other, are one stream.
        for half in [&text[..1000], &text[1000..]] {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(half.as_bytes()).unwrap();
            gzip.extend(encoder.finish().unwrap());
        }
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let mut zstd = ruzstd::encoding::compress_to_vec(&text.as_bytes()[..500], level);
        zstd.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9]);
        zstd.extend(ruzstd::encoding::compress_to_vec(&text.as_bytes()[500..], level));
        for piece in [1, 7, 100_000] {
            for (compression, content) in
                [(Compression::None, text.as_bytes()), (Compression::Gzip, &gzip), (Compression::Zstd, &zstd)]
            {
                let found = records(compression, &Format::DynamoDbJson, content, piece);
                assert!(found == lines, "{compression:?} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn quotes_keep_a_line_of_csv_together() {
        let csv = Format::Csv { delimiter: None, headers: None };
        let text = b"a,\"b\nc\"\n\"d \"\"e\"\"\",f\n";
        assert_eq!(records(Compression::None, &csv, text, 3), ["a,\"b\nc\"", "\"d \"\"e\"\"\",f"]);
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_told() {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let mut zstd = ruzstd::encoding::compress_to_vec(&b"some text of some length"[..], level);
        zstd.pop();
        for (compression, content) in [(Compression::Zstd, zstd), (Compression::Gzip, b"no gzip".to_vec())] {
            let mut records = Records::new(compression, &Format::DynamoDbJson);
            records.push(content.into());
            assert!(records.next().is_err() || records.end().is_err());
        }
    }

    #[test]
    fn a_record_without_an_end_does_not_fill_the_memory() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![b'x'; 12 << 20]).unwrap();
        let mut records = Records::new(Compression::Gzip, &Format::DynamoDbJson);
        records.push(encoder.finish().unwrap().into());
        assert!(records.next().is_err());
        assert!(records.text.len() < 8 << 20);
    }
}
