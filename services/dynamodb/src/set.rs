//! Sets of strings, numbers or binaries: not empty, without duplicates, unordered to the user.
//!
//! Kept sorted, so that equality is equality of the slices and membership a binary search.

/// A sorted set without duplicates. A set inside a value is never empty; the result of
/// [`Set::difference`] may be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Set<T>(Vec<T>);

impl<T: Ord + Clone> Set<T> {
    /// Sorts `members`; hands them back in their order when one occurs twice.
    pub fn new(members: Vec<T>) -> Result<Self, Vec<T>> {
        if members.is_sorted_by(|a, b| a < b) {
            return Ok(Self(members));
        }
        let mut sorted = members.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) { Err(members) } else { Ok(Self(sorted)) }
    }

    pub fn contains(&self, member: &T) -> bool {
        self.0.binary_search(member).is_ok()
    }

    /// Members of either set.
    pub fn union(&self, other: &Self) -> Self {
        let mut members = self.0.clone();
        members.extend(other.0.iter().filter(|member| !self.contains(member)).cloned());
        members.sort_unstable();
        Self(members)
    }

    /// Members of this set that are not in `other`.
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|member| !other.contains(member)).cloned().collect())
    }
}

impl<T> Set<T> {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<'a, T> IntoIterator for &'a Set<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(members: &[i32]) -> Set<i32> {
        Set::new(members.to_vec()).unwrap()
    }

    #[test]
    fn order_does_not_matter_and_duplicates_are_handed_back() {
        assert_eq!(set(&[3, 1, 2]), set(&[1, 2, 3]));
        assert_eq!(Set::new(vec![2, 1, 2]), Err(vec![2, 1, 2]));
        assert!(set(&[5, 1]).contains(&5));
    }

    #[test]
    fn union_and_difference() {
        assert_eq!(set(&[1, 3]).union(&set(&[2, 3])), set(&[1, 2, 3]));
        assert_eq!(set(&[1, 2, 3]).difference(&set(&[2])), set(&[1, 3]));
        assert!(set(&[1]).difference(&set(&[1])).is_empty());
    }
}
