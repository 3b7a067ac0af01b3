//! Offers and answers, from either end.

use str0m::Candidate;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};

use super::sctp::Sctp;
use super::sections::{Sections, attribute};
use super::{
    DEFAULT_MAX_MESSAGE, Link, LinkError, MAX_RECEIVED_MESSAGE, PLACEHOLDER, STR0M_BUFFER, StreamId, channel_config,
};
use crate::Delivery;

/// What str0m is told that the data's section is called when the far end offers: its own mids are short.
const OWN_MID: &str = "0";

impl Link {
    /// The client's SDP offer: one SCTP section with the [`PLACEHOLDER`] channel.
    pub fn offer(&mut self) -> String {
        self.offer_with(PLACEHOLDER)
    }

    /// [`offer`](Link::offer) with the placeholder channel on another stream.
    pub fn offer_with(&mut self, placeholder: StreamId) -> String {
        let mut changes = self.rtc.sdp_api();
        let id = changes.add_channel_with_config(channel_config(placeholder, Delivery::RELIABLE));
        let Some((offer, pending)) = changes.apply() else { return String::new() };
        match &mut self.sctp {
            // It is the first of this link.
            Sctp::Farwire(own) => drop(own.open(placeholder, Delivery::RELIABLE)),
            Sctp::Str0m(channels) => channels.insert(placeholder, id),
        }
        self.offered(pending, offer.to_sdp_string())
    }

    /// The server's SDP offer: one SCTP section, with a channel that the server opens in band under this label once
    /// connected. Nothing is ever sent on it.
    pub fn offer_channel(&mut self, label: &str) -> String {
        let mut changes = self.rtc.sdp_api();
        changes.add_channel(label.to_owned());
        let Some((offer, pending)) = changes.apply() else { return String::new() };
        if let Sctp::Farwire(own) = &mut self.sctp {
            own.open_labelled(label);
        }
        self.offered(pending, offer.to_sdp_string())
    }

    fn offered(&mut self, pending: SdpPendingOffer, offer: String) -> String {
        self.pending = Some(pending);
        self.mid = attribute(&offer.lines().collect::<Vec<_>>(), "mid").next().map(str::to_owned);
        offer
    }

    /// Takes the answer to [`Link::offer`] or [`Link::offer_channel`].
    ///
    /// # Errors
    /// [`LinkError::Sdp`] or [`LinkError::Unacceptable`] when it cannot be used. Unless [`Link::awaits_answer`] still, the link
    /// is then of no use either.
    pub fn accept_answer(&mut self, sdp: &str) -> Result<(), LinkError> {
        let sections = Sections::parse(sdp)?;
        let pending = self.pending.take().ok_or(LinkError::Sdp("no offer is waiting for an answer"))?;
        let mid = self.mid.as_deref().unwrap_or(OWN_MID);
        if sections.len() != 1 || sections.mid().is_some_and(|named| named != mid) {
            return Err(LinkError::Sdp("the answer is not for the offer's section"));
        }
        let answer = SdpAnswer::from_sdp_string(&sections.data_alone(mid));
        let answer = answer.map_err(|_| LinkError::Sdp("the answer is not SDP"))?;
        self.rtc
            .sdp_api()
            .accept_answer(pending, answer)
            .map_err(|_| LinkError::Sdp("the answer does not fit the offer"))?;
        self.is_apart = self.local.is_apart_from(sdp);
        if let Some(candidate) = self.local.wanted_by(sdp).and_then(|other| Candidate::host(other, "udp").ok()) {
            self.rtc.add_local_candidate(candidate);
        }
        self.max_message = max_message_size(sections.max_message_size());
        self.agreed(!sections.is_active());
        self.far_end = Some(sections.far_end(self.mid.as_deref().unwrap_or(OWN_MID)));
        self.dirty = true;
        Ok(())
    }

    /// The answer to an offer that the far end of a live link makes, to change it. Audio and video in it are declined; the
    /// data must stay as it is.
    ///
    /// # Errors
    /// [`LinkError::Sdp`] or [`LinkError::Unacceptable`] when it cannot be used, or has the data on another transport; the link
    /// then goes on as it was.
    pub fn answer_again(&mut self, sdp: &str) -> Result<String, LinkError> {
        // str0m takes other credentials for a restart of ICE, which the far end of a live link might not mean.
        let far_end = Sections::parse(sdp)?.far_end(self.mid.as_deref().unwrap_or(OWN_MID));
        if self.pending.is_some() || self.far_end.as_ref() != Some(&far_end) {
            return Err(LinkError::Sdp("the offer changes the data's transport"));
        }
        let max_message = self.max_message;
        let answer = self.answer(sdp);
        // Such an offer need not say again what the first description said.
        self.max_message = max_message;
        answer
    }

    /// Whether an offer of this link waits for its answer.
    pub fn awaits_answer(&self) -> bool {
        self.pending.is_some()
    }

    /// The answer to the far end's SDP offer. Audio and video in it are declined.
    ///
    /// # Errors
    /// [`LinkError::Sdp`] when it is no offer of data channels, [`LinkError::Unacceptable`] when it asks for what is not
    /// supported; the link is then of no use either.
    pub fn answer(&mut self, sdp: &str) -> Result<String, LinkError> {
        let sections = Sections::parse(sdp)?;
        let mid = self.mid.get_or_insert_with(|| OWN_MID.to_owned());
        let offer = SdpOffer::from_sdp_string(&sections.data_alone(mid));
        let offer = offer.map_err(|_| LinkError::Sdp("the offer is not SDP"))?;
        let answer =
            self.rtc.sdp_api().accept_offer(offer).map_err(|_| LinkError::Sdp("the offer cannot be answered"))?;
        let answer = answer.to_sdp_string();
        self.max_message = max_message_size(sections.max_message_size());
        self.agreed(answer.lines().any(|line| line == "a=setup:active"));
        self.far_end = Some(sections.far_end(self.mid.as_deref().unwrap_or(OWN_MID)));
        self.dirty = true;
        Ok(sections.whole_answer(&answer))
    }

    fn agreed(&mut self, is_active: bool) {
        if let Sctp::Farwire(own) = &mut self.sctp {
            own.negotiated(is_active);
        }
    }
}

/// `a=max-message-size`: absent means 64 KiB, 0 means any size (RFC 8841), for which a link's own bound stands.
fn max_message_size(value: Option<&str>) -> usize {
    match value {
        None => DEFAULT_MAX_MESSAGE,
        Some(text) => match text.parse::<u64>() {
            Ok(0) => MAX_RECEIVED_MESSAGE,
            Ok(size) => size.min(STR0M_BUFFER as u64 / 4) as usize,
            Err(_) => DEFAULT_MAX_MESSAGE,
        },
    }
}

#[cfg(test)]
mod tests;
