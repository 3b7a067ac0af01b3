//! The contract: what holds for whoever uses farwire, however they do.
//!
//! A row is a function over any [`Driver`], and [`contract!`] makes a test of each, so that a driver that breaks a rule
//! fails a test with the rule's name. Rows wait for conditions, with [`PATIENCE`], and never for a time.

mod blocking;
mod broken;
mod callback_log;
mod driver;
mod events;
mod live;
mod memory;
mod patience;
mod rows;
mod suite;
mod tokio;

use crate::callback_log::CallbackLog;
use crate::driver::{Callback, Connection, Driver, Names, Publisher, Shares, Subscription};
use crate::patience::{PATIENCE, eventually};
use crate::suite::{contract, contract_of_sharing, row_as_test, rows_as_tests};
