//! Associations over a simulated network in virtual time.

mod basics;
mod beside_bulk;
mod bounds;
mod channels;
mod differential;
mod hostile;
mod loss;
mod network;
