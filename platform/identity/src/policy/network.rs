//! Address ranges in CIDR notation, of both families.

use std::net::IpAddr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `203.0.113.0/24`, `2001:db8::/32` or a single address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        (prefix <= width).then_some(Self { address, prefix })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32 - self.prefix;
                (u64::from(own.to_bits()) ^ u64::from(other.to_bits())) >> shift == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                self.prefix == 0 || (own.to_bits() ^ other.to_bits()) >> (128 - self.prefix) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &str, inside: &[&str], outside: &[&str]) {
        let network = Network::parse(network).unwrap();
        assert!(inside.iter().all(|address| network.contains(address.parse().unwrap())), "{network:?}");
        assert!(!outside.iter().any(|address| network.contains(address.parse().unwrap())), "{network:?}");
    }

    #[test]
    fn networks_contain_addresses() {
        check(
            "203.0.113.0/24",
            &["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.7"],
            &["203.0.114.0", "::1"],
        );
        check("10.1.2.3", &["10.1.2.3"], &["10.1.2.4"]);
        check("0.0.0.0/0", &["1.2.3.4"], &["::1"]);
        check("2001:db8::/32", &["2001:db8:1::1"], &["2001:db9::1", "1.2.3.4"]);
        check("::/0", &["2001:db8::1"], &["1.2.3.4"]);
        for wrong in ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/x", "::/129", "1.2.3.4/+8", "1.2.3.4/"] {
            assert_eq!(Network::parse(wrong), None, "{wrong}");
        }
    }
}
