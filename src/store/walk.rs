//! Reading the journal back: every frame in order, the torn tail cut, a hole never overlooked.
//!
//! Where a frame does not check, what follows decides (see `frame`): is there any whole frame, in this segment
//! or a later one, whose group began after the LSN that is missing, then the missing records were durable and
//! somebody was promised them: a hole, and the start is refused unless the operator accepts exactly that loss.
//! Otherwise the damage lies in the last group, which was never acknowledged: a torn tail, and it is cut.

use std::ops::RangeInclusive;

use super::disk::{Disk, DiskFailure};
use super::frame::{self, Frame, Kind, Read};
use super::identity::StoreId;
use super::segment::{self, Segment, Start};
use super::{Hole, OpenError};
use crate::ports::Lsn;

/// Where the journal ends.
#[derive(Debug)]
pub(super) struct End {
    /// The LSN of the next record.
    pub next: Lsn,
    /// The segment to go on in and its length; `None`: begin a new one.
    pub head: Option<(Segment, u64)>,
    /// Bytes behind the end that are no whole frames.
    pub torn_bytes: u64,
}

struct Walk<'a> {
    expected: u64,
    accepted: &'a [RangeInclusive<u64>],
    holes: Vec<Hole>,
}

/// What to do where a frame does not check.
enum Verdict {
    /// Go on at this offset of the segment; nothing is missing, or the loss was accepted.
    GoOn(usize),
    /// Nothing whole follows here, but later segments do.
    NextSegment,
    /// The end of the journal.
    Torn,
}

/// Visits every record of `segments` in LSN order. `from`: the first that must be there; earlier ones may be.
pub(super) fn walk(
    disk: &dyn Disk,
    segments: &[Segment],
    store: StoreId,
    from: Lsn,
    accepted: &[RangeInclusive<u64>],
    visit: &mut dyn FnMut(&Segment, &Frame<'_>) -> Result<(), OpenError>,
) -> Result<End, OpenError> {
    let expected = segments.first().map_or(from, |segment| segment.first.min(from)).0;
    let mut walk = Walk { expected, accepted, holes: Vec::new() };
    let mut head = None;
    let mut torn_bytes = 0;
    for (at, segment) in segments.iter().enumerate() {
        let later = &segments[at + 1..];
        let bytes = disk.read(&segment.path).map_err(DiskFailure::of("read", &segment.path))?;
        walk.begin_segment(segment);
        check_start(&bytes, segment, store)?;
        let end = walk.segment(&bytes, segment, later, visit)?;
        // Zeros were written ahead of records that never came.
        let torn = !matches!(frame::read(&bytes, end), Read::End);
        torn_bytes = if torn { (bytes.len() - end) as u64 } else { 0 };
        head = Some((segment.clone(), end as u64));
    }
    if walk.holes.is_empty() {
        // A segment whose start frame was torn holds nothing; it is begun anew.
        let head = head.filter(|(_, end)| *end > 0);
        Ok(End { next: Lsn(walk.expected), head, torn_bytes })
    } else {
        Err(OpenError::Holes(walk.holes))
    }
}

/// Refuses what another store or a newer server wrote. A start frame that does not check says nothing; the
/// frames behind it speak for themselves.
fn check_start(bytes: &[u8], segment: &Segment, store: StoreId) -> Result<(), OpenError> {
    let Read::Frame(Frame { kind: Kind::Start, payload, .. }) = frame::read(bytes, 0) else {
        return Ok(());
    };
    let unreadable = |reason: String| OpenError::Unreadable { path: segment.path.clone(), offset: 0, reason };
    let start = Start::read(payload).ok_or_else(|| unreadable("its start frame is too short".into()))?;
    if start.format > segment::FORMAT {
        return Err(OpenError::Newer { path: segment.path.clone(), found: start.format, known: segment::FORMAT });
    }
    if start.store != store {
        return Err(unreadable(format!("it belongs to store {}, this is {store}", start.store)));
    }
    Ok(())
}

impl Walk<'_> {
    fn begin_segment(&mut self, segment: &Segment) {
        if segment.first.0 > self.expected {
            self.missing(segment.first.0, segment, 0);
        }
    }

    /// Notes a hole up to `next`, which is the first that is there again.
    fn missing(&mut self, next: u64, segment: &Segment, offset: usize) {
        let range = self.expected..=next - 1;
        let accepted = self.accepted.iter().any(|all| all.contains(range.start()) && all.contains(range.end()));
        if accepted {
            tracing::warn!("lsn {} to {} are lost, as accepted", range.start(), range.end());
        } else {
            let (from, to) = (Lsn(*range.start()), Lsn(*range.end()));
            self.holes.push(Hole { from, to, path: segment.path.clone(), offset: offset as u64 });
        }
        self.expected = next;
    }

    /// Visits the frames of one segment; gives the offset where the last whole one ends.
    fn segment(
        &mut self,
        bytes: &[u8],
        segment: &Segment,
        later: &[Segment],
        visit: &mut dyn FnMut(&Segment, &Frame<'_>) -> Result<(), OpenError>,
    ) -> Result<usize, OpenError> {
        let mut offset = 0;
        loop {
            match frame::read(bytes, offset) {
                Read::Frame(frame) if frame.lsn == self.expected => {
                    if frame.kind == Kind::Record {
                        // Behind a hole nothing counts until the loss is accepted.
                        if self.holes.is_empty() {
                            visit(segment, &frame)?;
                        }
                        self.expected += 1;
                    }
                    offset = frame.end;
                }
                Read::End if offset > 0 || later.is_empty() => return Ok(offset),
                Read::Frame(_) | Read::End | Read::Damaged => match self.judge(bytes, offset, segment, later) {
                    Verdict::GoOn(next) => offset = next,
                    Verdict::NextSegment | Verdict::Torn => return Ok(offset),
                },
            }
        }
    }

    fn judge(&mut self, bytes: &[u8], offset: usize, segment: &Segment, later: &[Segment]) -> Verdict {
        let Some(next) = frame::find(bytes, offset + 1, self.expected) else {
            // The name of a later segment proves that all before it was durable; `begin_segment` counts what is
            // missing up to it.
            return if later.is_empty() { Verdict::Torn } else { Verdict::NextSegment };
        };
        if next.lsn == self.expected {
            tracing::warn!(
                "`{}` is damaged at offset {offset}, but no record is missing before lsn {}",
                segment.path.display(),
                next.lsn
            );
            return Verdict::GoOn(next.offset);
        }
        if later.is_empty() && !proves_durable(bytes, next, self.expected) {
            return Verdict::Torn;
        }
        self.missing(next.lsn, segment, offset);
        Verdict::GoOn(next.offset)
    }
}

/// Whether any whole frame from `frame` on was written after `lsn` was durable.
fn proves_durable<'a>(bytes: &'a [u8], mut frame: Frame<'a>, lsn: u64) -> bool {
    loop {
        if frame.durable_before() > lsn {
            return true;
        }
        match frame::find(bytes, frame.end, frame.lsn) {
            Some(next) => frame = next,
            None => return false,
        }
    }
}
