//! What is written is read back, for every message that comes with farwire.

use farwire_core::lcm::Message;
use farwire_core::with_lcm_messages;
use farwire_tests::lcm::random_message;
use fastrand::Rng;
use proptest::prelude::*;

fn round_trip<M: Message + PartialEq + std::fmt::Debug + Clone>(seed: u64) -> Result<(), TestCaseError> {
    let bytes = random_message(M::schema(), &mut Rng::with_seed(seed));
    let message = M::decode(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let written = message.to_bytes().map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(&written, &bytes, "{}", M::NAME);
    prop_assert_eq!(message.encoded_len(), bytes.len());
    prop_assert_eq!(M::decode(&written), Ok(message.clone()));
    let longer = [&bytes[..], &[0]].concat();
    prop_assert!(M::decode(&longer).is_err(), "{} with a trailing byte", M::NAME);
    prop_assert!(M::decode(&bytes[..bytes.len() - 1]).is_err(), "{} without its last byte", M::NAME);
    Ok(())
}

macro_rules! round_trips {
    ($($message:path)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]

            #[test]
            fn every_message(seed in any::<u64>()) {
                $(round_trip::<$message>(seed)?;)*
            }
        }
    };
}

with_lcm_messages!(round_trips);

macro_rules! defaults {
    ($($message:path)*) => {
        #[test]
        fn defaults_too() {
            $(
                let message = <$message>::default();
                let bytes = message.to_bytes().expect("it has an encoding");
                assert_eq!(<$message>::decode(&bytes), Ok(message));
            )*
        }
    };
}

with_lcm_messages!(defaults);
