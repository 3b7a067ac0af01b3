//! Orders that were sent, to know their answers by.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Order;

/// Orders whose answers may still come; of more than these nobody tells.
const MAX_OPEN: usize = 64;

/// The latest orders and their nonces.
#[derive(Debug)]
pub struct Orders {
    next: u64,
    open: VecDeque<(u64, Order)>,
}

impl Orders {
    /// No orders yet. `unix` is the time since 1970: robots remember nonces for a while, and an operator that is started
    /// again is to have others.
    pub fn new(unix: Duration) -> Orders {
        // Microseconds are below what a double holds exactly until 2255.
        Orders { next: u64::try_from(unix.as_micros()).unwrap_or_default(), open: VecDeque::new() }
    }

    /// A nonce for an order that is sent now.
    pub fn next(&mut self, order: Order) -> u64 {
        self.next += 1;
        if self.open.len() == MAX_OPEN {
            self.open.pop_front();
        }
        self.open.push_back((self.next, order));
        self.next
    }

    /// What was answered by this nonce, once.
    pub fn answered(&mut self, nonce: u64) -> Option<Order> {
        let place = self.open.iter().position(|(open, _)| *open == nonce)?;
        self.open.remove(place).map(|(_, order)| order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_belongs_to_one_order() {
        let mut orders = Orders::new(Duration::from_secs(1_800_000_000));
        let (stop, clear) = (orders.next(Order::Estop), orders.next(Order::EstopClear));
        assert_ne!(stop, clear);
        assert!(clear < 1 << 53, "a double holds it");
        // The answer to the stop may come after the one to the clear.
        assert_eq!(orders.answered(clear), Some(Order::EstopClear));
        assert_eq!(
            (orders.answered(stop), orders.answered(stop), orders.answered(9)),
            (Some(Order::Estop), None, None)
        );
        for _ in 0..200 {
            orders.next(Order::Estop);
        }
        assert_eq!(orders.open.len(), MAX_OPEN);
    }
}
