//! The bodies of requests: at most so long, not too slow, and all of them together at most so much memory.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use crate::limits::{Limits, MIN_BODY_RATE, SMALL_BODY};
use crate::refusal::Refusal;

/// How long a body that nobody wants may take to come.
const DISCARD_WITHIN: Duration = Duration::from_millis(10);

/// The memory of all bodies of one listener.
#[derive(Debug)]
pub(crate) struct Bodies {
    free: Arc<Semaphore>,
}

/// What a body has of it, until it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl Bodies {
    pub(crate) fn new(bytes: usize) -> Bodies {
        Bodies { free: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))) }
    }

    /// Makes a share this large, if there is so much left.
    fn extend(&self, share: &mut Share, bytes: usize) -> Result<(), Refusal> {
        let has = share.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let Some(more) = bytes.checked_sub(has).filter(|more| *more > 0) else { return Ok(()) };
        let more = u32::try_from(more).map_err(|_| Refusal::body_too_long())?;
        let more = Arc::clone(&self.free).try_acquire_many_owned(more).map_err(|_| Refusal::no_memory())?;
        match &mut share.0 {
            Some(share) => share.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }
}

/// A request's body.
pub(crate) struct Upload {
    body: Incoming,
    /// To read is to invite the body of a client that has asked first (RFC 9110, 10.1.1).
    waits_for_invitation: bool,
    is_spent: bool,
}

impl Upload {
    pub(crate) fn new(body: Incoming, headers: &HeaderMap) -> Upload {
        let is_spent = body.is_end_stream();
        Upload { body, waits_for_invitation: headers.contains_key(header::EXPECT), is_spent }
    }

    /// What the client has said of its length, in bytes.
    pub(crate) fn length_at_least(&self) -> u64 {
        self.body.size_hint().lower()
    }

    /// Reads it to its end.
    pub(crate) async fn read(
        &mut self,
        max_body: usize,
        limits: &Limits,
        bodies: &Bodies,
    ) -> Result<(Vec<u8>, Share), Refusal> {
        self.waits_for_invitation = false;
        let begun = Instant::now();
        let said = self.body.size_hint().upper().and_then(|length| usize::try_from(length).ok());
        let longest = said.map_or(max_body, |length| length.min(max_body));
        let (mut bytes, mut share) = (Vec::new(), Share::default());
        loop {
            // What came so far is as much longer as it may take.
            let earned = Duration::from_secs_f64(bytes.len() as f64 / f64::from(MIN_BODY_RATE));
            let due = begun + limits.body.min(limits.body_grace + earned);
            let frame = timeout_at(due, self.body.frame()).await.map_err(|_| Refusal::body_too_slow())?;
            let Some(frame) = frame else {
                self.is_spent = true;
                return Ok((bytes, share));
            };
            // Trailers are of no use to anybody here.
            let Ok(data) = frame.map_err(|_| Refusal::body_broken())?.into_data() else { continue };
            let length = bytes.len() + data.len();
            if length > max_body {
                return Err(Refusal::body_too_long());
            }
            if length > bytes.capacity() {
                let capacity = (bytes.capacity() * 2).min(longest).max(length);
                bodies.extend(&mut share, capacity.saturating_sub(SMALL_BODY))?;
                bytes.reserve_exact(capacity - bytes.len());
            }
            bytes.extend_from_slice(&data);
        }
    }

    /// Takes what is left of a body that nobody wants, if it is short and there; `false`: it stands before the next request.
    pub(crate) async fn discard(&mut self) -> bool {
        if self.is_spent {
            return true;
        }
        if self.waits_for_invitation || self.length_at_least() > SMALL_BODY as u64 {
            return false;
        }
        let taken = async {
            let mut taken = 0;
            while let Some(frame) = self.body.frame().await {
                let Ok(frame) = frame else { return false };
                taken += frame.data_ref().map_or(0, bytes::Bytes::len);
                if taken > SMALL_BODY {
                    return false;
                }
            }
            true
        };
        timeout(DISCARD_WITHIN, taken).await.unwrap_or(false)
    }
}
