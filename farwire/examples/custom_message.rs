//! A message type of one's own, published and received. `custom_message [MESSAGES]`, with `FARWIRE_URL` and so on set.

use std::env;
use std::time::Duration;

use farwire::lcm::std_msgs::Header;
use farwire::{Config, Delivery, connect};

farwire::lcm_messages! {
    package mine;

    /// How warm each motor is, in degrees Celsius.
    pub struct MotorTemperatures {
        count int32_t motors;
        Header header;
        float celsius[motors];
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let messages = env::args().nth(1).map_or(Ok(10_u16), |messages| messages.parse())?;
    let robot = connect(Config::from_env(|name| env::var(name).ok())?)?;
    let temperatures = robot.publisher_of_with::<MotorTemperatures>("motors", Delivery::RELIABLE)?;
    // This connection hears itself, since it names no publisher.
    let received = robot.subscribe_to_with::<MotorTemperatures>("motors", Delivery::RELIABLE)?;
    received.wait_open(Duration::from_secs(10))?;
    for n in 0..messages {
        temperatures.publish(&MotorTemperatures { celsius: vec![40.0 + f32::from(n), 38.0], ..Default::default() })?;
        println!("{:?}", received.recv_timeout(Duration::from_secs(10))?.celsius);
    }
    Ok(())
}
