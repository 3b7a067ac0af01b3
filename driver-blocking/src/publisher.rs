//! The sending end of a topic.

use std::time::{Duration, Instant};

use farwire_core::{Accepted, Content, PublishError};

use crate::threads::Threads;
use crate::wait::wait_until;

farwire_driver::publisher! {
    /// Publishes one topic. Clones publish the same topic, in whatever order their threads get to it.
    Threads;
    ///
    /// When the queue of a reliable topic is full, [`publish`](Self::publish) blocks until there is room, for at most
    /// [`MAX_WAIT`](Publisher::MAX_WAIT).
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let connection: farwire_blocking::Connection = todo!();
    /// use farwire_blocking::lcm::geometry_msgs::Twist;
    ///
    /// let commands = connection.publisher_of::<Twist>("cmd_vel")?;
    /// commands.publish(&Twist::default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A message of another type does not compile:
    ///
    /// ```compile_fail,E0308
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let connection: farwire_blocking::Connection = todo!();
    /// use farwire_blocking::lcm::geometry_msgs::{Accel, Twist};
    ///
    /// let commands = connection.publisher_of::<Twist>("cmd_vel")?;
    /// commands.publish(&Accel::default())?;
    /// # Ok(())
    /// # }
    /// ```
}

impl Publisher {
    /// How long [`publish`](Self::publish) waits for room in the queue of a reliable topic.
    pub const MAX_WAIT: Duration = Duration::from_secs(5);
}

impl<T: Content> Publisher<T> {
    /// [`publish`](Self::publish), but never waits: a full queue of a reliable topic is an error at once.
    ///
    /// # Errors
    /// As for [`publish`](Self::publish).
    pub fn try_publish(&self, message: &T::Sent) -> Result<Accepted, PublishError> {
        self.inner.publish(true, &self.inner.bytes(message)?)
    }

    fn publish_bytes(&self, binary: bool, message: &[u8]) -> Result<Accepted, PublishError> {
        let result = self.inner.publish(binary, message);
        if !matches!(result, Err(PublishError::QueueFull { .. })) || !self.inner.delivery().is_reliable() {
            return result;
        }
        let deadline = Instant::now().checked_add(Publisher::MAX_WAIT);
        loop {
            let id = self.inner.id();
            let waited = wait_until(self.inner.engine(), deadline, |client| client.is_writable(id));
            let result = self.inner.publish(binary, message);
            // Another publisher may have taken the room.
            if !waited || !matches!(result, Err(PublishError::QueueFull { .. })) {
                return result;
            }
        }
    }
}
