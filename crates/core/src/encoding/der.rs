//! Just enough DER (X.690) to find the parts of a key that libraries hand over whole.

/// A key's INTEGER, without the zero byte that keeps it positive.
pub(crate) const INTEGER: u8 = 0x02;
/// An OCTET STRING.
pub(crate) const OCTET_STRING: u8 = 0x04;
/// A SEQUENCE, constructed.
pub(crate) const SEQUENCE: u8 = 0x30;
/// A BIT STRING; its content begins with the number of unused bits.
pub(crate) const BIT_STRING: u8 = 0x03;

/// Splits the first element into its tag, its content and what follows (X.690, section 8.1). Lengths of up to three bytes.
pub(crate) fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (size, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if size.is_empty() || size.len() > 3 {
            return None;
        }
        let length = size.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        (length, rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    Some((tag, content, after))
}

/// The content of the first element if it has that tag, and what follows.
pub(crate) fn expect(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    element(bytes)
        .filter(|(found, _, _)| *found == tag)
        .map(|(_, content, after)| (content, after))
}

/// The content of an element of that tag with nothing behind it.
pub(crate) fn whole(tag: u8, bytes: &[u8]) -> Option<&[u8]> {
    expect(tag, bytes)
        .filter(|(_, after)| after.is_empty())
        .map(|(content, _)| content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_split_from_what_follows() {
        assert_eq!(element(&[2, 1, 5, 9]), Some((2, &[5][..], &[9][..])));
        assert_eq!(element(&[2, 0x81, 1, 5]), Some((2, &[5][..], &[][..])));
        assert_eq!(expect(SEQUENCE, &[0x30, 0]), Some((&[][..], &[][..])));
        assert_eq!(expect(INTEGER, &[0x30, 0]), None);
        assert_eq!(whole(INTEGER, &[2, 1, 5]), Some(&[5][..]));
        assert_eq!(whole(INTEGER, &[2, 1, 5, 0]), None);
        assert_eq!(whole(SEQUENCE, &[2, 1, 5]), None);
    }

    #[test]
    fn what_is_cut_short_or_absurdly_long_is_no_element() {
        let bad: [&[u8]; 7] = [
            &[],
            &[2],
            &[2, 1],
            &[2, 0x80, 1],
            &[2, 0x82, 0],
            &[2, 0x84, 0, 0, 0, 1, 5],
            &[2, 0x83, 0xff, 0xff, 0xff],
        ];
        for bytes in bad {
            assert_eq!(element(bytes), None, "{bytes:?}");
        }
    }
}
