//! What handles may be used for.

use farwire_blocking::lcm::geometry_msgs::Twist;
use farwire_blocking::{ConnectError, Connection, Message, Publisher, RecvError, Subscription};

fn shareable<T: Send + Sync + 'static>() {}

#[test]
fn handles_cross_threads() {
    shareable::<Connection>();
    shareable::<Publisher>();
    shareable::<Subscription>();
    shareable::<Publisher<Twist>>();
    shareable::<Subscription<Twist>>();
    shareable::<Message>();
    shareable::<RecvError>();
    shareable::<ConnectError>();
}

#[test]
fn handles_that_can_be_cloned() {
    fn cloneable<T: Clone>() {}
    cloneable::<Connection>();
    cloneable::<Publisher>();
    cloneable::<Publisher<Twist>>();
}
