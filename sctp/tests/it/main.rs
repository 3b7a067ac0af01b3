//! Associations over a simulated network in virtual time.

mod basics;
mod hostile;
mod loss;
mod network;
