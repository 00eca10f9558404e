//! Frames: how records lie in a segment, `[len u32][crc32c u32][lsn u64][place u32][kind u8][payload]`.
//!
//! The checksum covers everything but itself. `place` counts the records of the same group before this one,
//! so `lsn - place` is where the frame's group begins. A group is written only after the group before it is
//! synced; so any whole frame proves that everything before its group was durable. That is what tells a torn
//! tail (damage inside the last group, never acknowledged) from a hole (damage before it, acknowledged).
//!
//! A mark is a frame without a record: it carries the next record's LSN and proves that all before it is
//! durable. The journal writes one when it falls idle and when it closes.

/// Bytes before the payload.
pub(super) const HEAD: usize = 21;

/// Longer payloads are never written, so a length past it is damage.
pub(super) const PAYLOAD_BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The first frame of a file; its LSN is that of the first record that may follow.
    Start = 1,
    Record = 2,
    Mark = 3,
    /// Of an export (`export`), which is no journal.
    Export = 4,
    ExportEnd = 5,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub lsn: u64,
    pub place: u32,
    pub kind: Kind,
    pub payload: &'a [u8],
    /// Where the frame begins in its file, and where the next one does.
    pub offset: usize,
    pub end: usize,
}

/// What stands where a frame could begin.
#[derive(Debug)]
pub(super) enum Read<'a> {
    Frame(Frame<'a>),
    /// The file ends here, or only zeros follow.
    End,
    Damaged,
}

impl Frame<'_> {
    /// Where its group begins: all before that LSN was durable when the frame was written.
    pub(super) fn durable_before(&self) -> u64 {
        self.lsn.saturating_sub(u64::from(self.place))
    }
}

/// Appends the head of a frame whose payload follows; `finish` completes it.
pub(super) fn begin(out: &mut Vec<u8>, lsn: u64, place: u32, kind: Kind) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&lsn.to_le_bytes());
    out.extend_from_slice(&place.to_le_bytes());
    out.push(kind as u8);
    start
}

/// Fills in length and checksum of the frame that began at `start` and ends where `out` does.
pub(super) fn finish(out: &mut [u8], start: usize) {
    let len = u32::try_from(out.len() - start - HEAD).unwrap_or_else(|_| unreachable!("payloads are bounded"));
    let len = len.to_le_bytes();
    let crc = crc32c::crc32c_append(crc32c::crc32c(&len), &out[start + 8..]);
    out[start..start + 4].copy_from_slice(&len);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// Reads what stands at `offset`.
pub(super) fn read(bytes: &[u8], offset: usize) -> Read<'_> {
    if let Some(frame) = parse(bytes, offset) {
        return Read::Frame(frame);
    }
    let rest = bytes.get(offset..).unwrap_or_default();
    if rest.iter().all(|&byte| byte == 0) { Read::End } else { Read::Damaged }
}

/// The first whole frame that begins at `from` or later and whose LSN is at least `lsn_min`.
pub(super) fn find(bytes: &[u8], from: usize, lsn_min: u64) -> Option<Frame<'_>> {
    // An LSN that is far off is no LSN: it spares most checksums on the way through damage.
    const LSN_AHEAD_MAX: u64 = 1 << 40;
    (from..bytes.len().saturating_sub(HEAD - 1)).find_map(|offset| {
        let lsn = u64_at(bytes, offset + 8)?;
        if !(lsn_min..=lsn_min.saturating_add(LSN_AHEAD_MAX)).contains(&lsn) {
            return None;
        }
        parse(bytes, offset)
    })
}

fn parse(bytes: &[u8], offset: usize) -> Option<Frame<'_>> {
    let head = bytes.get(offset..)?.get(..HEAD)?;
    let len = u32::from_le_bytes(head[..4].try_into().ok()?) as usize;
    let kind = match head[HEAD - 1] {
        1 => Kind::Start,
        2 => Kind::Record,
        3 => Kind::Mark,
        4 => Kind::Export,
        5 => Kind::ExportEnd,
        _ => return None,
    };
    if len > PAYLOAD_BYTES_MAX {
        return None;
    }
    let end = offset + HEAD + len;
    let payload = bytes.get(offset + HEAD..end)?;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&head[..4]), &bytes[offset + 8..end]);
    if crc != u32::from_le_bytes(head[4..8].try_into().ok()?) {
        return None;
    }
    let place = u32::from_le_bytes(head[16..20].try_into().ok()?);
    Some(Frame { lsn: u64_at(bytes, offset + 8)?, place, kind, payload, offset, end })
}

fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(offset..offset + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<u8> {
        let mut out = Vec::new();
        for (lsn, place, payload) in [(7, 0, &b"first"[..]), (8, 1, b""), (9, 0, b"third")] {
            let start = begin(&mut out, lsn, place, Kind::Record);
            out.extend_from_slice(payload);
            finish(&mut out, start);
        }
        out
    }

    #[test]
    fn frames_follow_each_other_and_then_comes_the_end() {
        let mut bytes = frames();
        bytes.extend_from_slice(&[0; 100]);
        let mut offset = 0;
        let mut seen = Vec::new();
        while let Read::Frame(frame) = read(&bytes, offset) {
            seen.push((frame.lsn, frame.durable_before(), frame.payload.to_vec()));
            offset = frame.end;
        }
        assert_eq!(seen, [(7, 7, b"first".to_vec()), (8, 7, vec![]), (9, 9, b"third".to_vec())]);
        assert!(matches!(read(&bytes, offset), Read::End));
        assert!(matches!(read(&bytes, bytes.len()), Read::End));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let whole = frames();
        let first_end = HEAD + 5;
        for bit in 0..first_end * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(read(&bytes, 0), Read::Damaged), "bit {bit}");
            assert_eq!(find(&bytes, 0, 7).map(|frame| frame.lsn), Some(8));
        }
        for len in 1..first_end {
            assert!(matches!(read(&whole[..len], 0), Read::Damaged | Read::End), "cut at {len}");
        }
        assert_eq!(find(&whole, 1, 9).map(|frame| frame.lsn), Some(9));
        assert!(find(&whole, 1, 10).is_none());
    }
}
