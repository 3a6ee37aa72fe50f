//! What a request says beside what it must: a map from the numbers of parameters to their values.

use crate::Decoder;
use crate::WireError::{self, Malformed};

/// The optional parameters of all operations, their expressions still trees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    pub projection: Option<&'a [u8]>,
    pub consistent_read: bool,
    pub capacity: Option<&'static str>,
    pub condition: Option<&'a [u8]>,
    pub metrics: Option<&'static str>,
    pub return_values: Option<&'static str>,
    pub update: Option<&'a [u8]>,
    pub start_key: Option<&'a [u8]>,
    pub filter: Option<&'a [u8]>,
    pub index: Option<&'a str>,
    pub limit: Option<i32>,
    pub is_forward: Option<bool>,
    pub select: Option<&'static str>,
    pub segment: Option<i32>,
    pub total_segments: Option<i32>,
    pub token: Option<&'a str>,
}

impl<'a> Options<'a> {
    pub(crate) fn read(decoder: &mut Decoder<'a>) -> Result<Self, WireError> {
        let mut options = Self::default();
        if decoder.null()? {
            return Ok(options);
        }
        let length = decoder.map()?;
        let mut seen = 0;
        while decoder.has_more(length, seen)? {
            seen += 1;
            options.read_one(decoder)?;
        }
        Ok(options)
    }

    /// The Python client writes a ConditionExpression twice: as text, and then as the tree that counts.
    fn read_one(&mut self, decoder: &mut Decoder<'a>) -> Result<(), WireError> {
        match decoder.integer()? {
            0 => self.projection = decoder.optional_bytes()?,
            2 => self.consistent_read = decoder.flag()?,
            3 => self.capacity = word(decoder, &["NONE", "TOTAL", "INDEXES"], 0)?,
            4 => self.condition = decoder.optional_bytes()?,
            6 => self.metrics = word(decoder, &["NONE", "SIZE"], 0)?,
            7 => {
                let words = ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"];
                self.return_values = word(decoder, &words, 1)?;
            }
            8 => self.update = decoder.optional_bytes()?,
            9 => self.start_key = decoder.optional_bytes()?,
            10 => self.filter = decoder.optional_bytes()?,
            11 => self.index = decoder.optional_text()?,
            13 => self.limit = Some(small(decoder)?),
            14 => self.is_forward = Some(decoder.flag()?),
            15 => {
                let words = ["ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES"];
                self.select = word(decoder, &words, 1)?;
            }
            16 => self.segment = Some(small(decoder)?),
            17 => self.total_segments = Some(small(decoder)?),
            19 => self.token = decoder.optional_text()?,
            // Names and values of placeholders are in the trees already.
            _ => decoder.skip()?,
        }
        Ok(())
    }

    /// Whether the answer is to say what was consumed.
    pub fn wants_capacity(&self) -> bool {
        self.capacity.is_some_and(|capacity| capacity != "NONE")
    }
}

fn word(
    decoder: &mut Decoder<'_>,
    words: &[&'static str],
    first: i64,
) -> Result<Option<&'static str>, WireError> {
    let index = usize::try_from(decoder.integer()? - first).ok();
    let word =
        index.and_then(|index| words.get(index)).ok_or(Malformed("a parameter has an unknown value"))?;
    Ok(Some(word))
}

fn small(decoder: &mut Decoder<'_>) -> Result<i32, WireError> {
    i32::try_from(decoder.integer()?).map_err(|_| Malformed("an integer is out of bounds"))
}
