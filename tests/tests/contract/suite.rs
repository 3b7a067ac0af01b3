//! From rows to tests.

/// Makes a test of each row of the contract: `contract!(MyDriver)`, or `contract!([#[ignore = "why"]] MyDriver)`.
macro_rules! contract {
    ([$($attribute:tt)*] $driver:ty) => {
        $crate::rows_as_tests! {
            [$($attribute)*] $driver;
            delivery:
                to_one_subscriber, to_many_subscribers, to_nobody_else, on_a_lossy_topic, of_every_size,
                to_whom_was_there_first, of_five_hundred_in_a_burst, in_order, not_before_it_is_there;
            unsubscribe:
                stops_delivery_without_waiting_for_a_running_callback, from_inside_the_callback, leaves_the_others,
                leaves_no_registration;
            callbacks:
                get_each_message, that_panic_harm_only_themselves, that_block_harm_only_themselves,
                may_publish_and_subscribe;
            threads:
                publish_together, publish_side_by_side, race_for_a_new_topic,
                subscribe_and_unsubscribe_while_others_publish;
            registration:
                of_a_refused_subscription, of_one_subscription_too_many, of_one_listener_too_many;
            lifecycle:
                use_after_close_is_an_error, what_arrived_comes_before_the_end, stop_twice, stop_wakes_whoever_waits,
                stop_during_publish, stop_during_connect, start_after_a_failed_start, the_last_handle_closes,
                closing_one_leaves_the_others;
            containers:
                queue_that_drops_the_oldest, queue_that_drops_the_newest, queue_that_closes, ring, bound_in_bytes,
                latest_of_many;
            listeners:
                to_all_get_each_message_once, to_all_ask_for_nothing, to_new_topics_are_told_of_each_once,
                to_new_topics_may_come_late;
        }
    };
    ($driver:ty) => {
        $crate::contract!([] $driver);
    };
}

/// Makes a test of each row about shared connections.
macro_rules! contract_of_sharing {
    ($driver:ty) => {
        $crate::rows_as_tests! {
            [] $driver;
            sharing:
                equal_configs_are_one_connection, together_they_dial_once,
                the_last_user_closes_and_the_next_starts_afresh, two_that_stop_leave_the_third,
                two_that_fail_leave_the_third, users_come_and_go;
            shutdown:
                closes_for_all_users_at_once, leaves_what_is_not_shared, gives_up_what_dials,
                while_users_come_and_go, and_the_next_start_afresh;
        }
    };
}

/// A module for each group of rows, and a test for each row.
macro_rules! rows_as_tests {
    ($attributes:tt $driver:ty; $($group:ident: $($row:ident),+;)+) => {
        $(
            mod $group {
                #[allow(unused_imports)]
                use super::*;

                $($crate::row_as_test! { $attributes $driver, $group, $row })+
            }
        )+
    };
}

/// One row as a test of that name.
macro_rules! row_as_test {
    ([$($attribute:tt)*] $driver:ty, $group:ident, $row:ident) => {
        #[test]
        $($attribute)*
        fn $row() {
            if let Some(driver) = <$driver as $crate::Driver>::start() {
                $crate::rows::$group::$row(&driver);
            }
        }
    };
}

pub(crate) use {contract, contract_of_sharing, row_as_test, rows_as_tests};
