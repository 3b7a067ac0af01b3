//! What every driver gives the authors of robots and operators, word for word.

/// A driver's `Robot`, for which it says with `start` and `step` how it waits.
#[macro_export]
macro_rules! robot {
    ($(#[$more:meta])* $Driver:ty; $Worker:ty) => {
        /// A robot on a broker's bridge: who may move it and how fast, the emergency stop, commands and their answers, and
        /// telemetry. Its author's loop asks it [`step`](Self::step) by step how fast to drive.
        ///
        /// What it keeps whatever the loop does: the emergency stop is latched, told to the operator and to
        /// [`on_estop`](crate::teleop::RobotSetup::on_estop), commands are answered, and telemetry goes out, while the loop is busy or
        /// stuck. Each step after something went wrong says to stand: no fresh command, no operator, the emergency stop, or the
        /// end of the connection, which is an error only after a step that said so.
        ///
        /// What it cannot keep: **a loop that does not come round drives on as it was told last.** For a loop that blocks there
        /// is [`on_overdue`](crate::teleop::RobotSetup::on_overdue). For a process that is killed and a machine that crashes,
        /// motors that stop by themselves when they hear nothing for some 100 ms are the only remedy.
        $(#[$more])*
        pub struct Robot {
            inner: ::std::sync::Arc<$crate::teleop::Robot<$Driver>>,
            worker: $Worker,
        }

        impl Robot {
            /// Sets what telemetry says of the robot, from now on.
            pub fn report(&self, report: $crate::exports::teleop::Report) {
                self.inner.report(report);
            }

            /// Publishes a map of what is around the robot, if one is due, which it is twice a second unless
            /// [`RobotOptions::map_hz`](crate::teleop::RobotOptions::map_hz) says otherwise; only then `grid` is called. The emergency
            /// stop is heard while it makes the map, however long it takes, but the loop that calls this waits for it.
            ///
            /// # Errors
            /// When it is none that can be sent, such as one that takes more than 32 KiB.
            pub fn map(
                &self,
                grid: impl FnOnce() -> $crate::exports::teleop::Grid,
            ) -> Result<(), $crate::exports::teleop::MapError> {
                self.inner.map(grid)
            }

            /// Publishes where the robot is, in m and rad, if that is due, which it is 15 times a second unless
            /// [`RobotOptions::odom_hz`](crate::teleop::RobotOptions::odom_hz) says otherwise.
            pub fn odom(&self, x: f64, y: f64, yaw: f64) {
                self.inner.odom(x, y, yaw);
            }

            /// Whether the emergency stop is engaged.
            pub fn is_estopped(&self) -> bool {
                self.inner.read($crate::exports::teleop::Robot::is_estopped)
            }

            /// The cameras that the operator wants to see.
            pub fn cameras(&self) -> Vec<String> {
                self.inner.read(|robot| robot.cameras().to_vec())
            }

            /// What the operator's player said of the video at last.
            pub fn video_stats(&self) -> Option<$crate::exports::teleop::VideoStats> {
                self.inner.read($crate::exports::teleop::Robot::video_stats)
            }

            /// What was left out so far, and why.
            pub fn counts(&self) -> $crate::exports::teleop::Counts {
                self.inner.counts().0
            }

            /// Reports and answers that were not sent because the network was slower.
            pub fn unsent(&self) -> u64 {
                self.inner.counts().1
            }
        }

        impl ::std::fmt::Debug for Robot {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.inner, f)
            }
        }
    };
}

/// A driver's `Operator`, for which it says with `start`, `heard` and `leave` how it waits.
#[macro_export]
macro_rules! operator {
    ($(#[$more:meta])* $Driver:ty; $Worker:ty) => {
        /// An operator on a broker's bridge: a velocity that is said at a fixed rate in the robot's time, the emergency stop that is
        /// said until the robot has confirmed it, commands whose answers are awaited, and what the robot reports.
        ///
        /// A worker of its own says the velocity, zeros as well, so that silence always means that something is wrong. Dropping it
        /// ends that, and the robot stops by itself; `leave` tells it to stand first, and `hand_over` lets somebody have the robot
        /// who watches it.
        $(#[$more])*
        pub struct Operator {
            inner: ::std::sync::Arc<$crate::teleop::Operator<$Driver>>,
            worker: $Worker,
        }

        impl Operator {
            /// Says this velocity from now on, until another one is said, for as long as it counts. After that, and from an
            /// emergency stop of one's own to its release, zero is said: a program that is stuck drives nobody on.
            pub fn drive(
                &self,
                velocity: $crate::exports::farwire_core::lcm::geometry_msgs::Twist,
                counts_for: ::std::time::Duration,
            ) {
                self.inner.drive(velocity, counts_for);
            }

            /// Engages the emergency stop. It is said at once and then every half second until the robot has confirmed it by its
            /// answer or its telemetry, whatever happens to the robot or the connection in between. If it answers that its actuators
            /// did not stop, only its answer that they did counts.
            pub fn estop(&self) {
                self.inner.estop();
            }

            /// Releases the emergency stop, whoever engaged it. Answers the nonce of
            /// [`Heard::Acknowledged`](crate::teleop::Heard::Acknowledged).
            pub fn estop_clear(&self) -> u64 {
                self.inner.estop_clear()
            }

            /// Asks the robot for something. Answers the nonce by which it is heard whether the robot has done so, or that it has
            /// not answered for 5 s.
            pub fn ask(&self, command: $crate::exports::teleop::Command) -> u64 {
                self.inner.ask(command)
            }

            /// Asks the robot to go to a place of the world's frame, in m; as [`ask`](Self::ask).
            pub fn go_to(&self, x: f64, y: f64) -> u64 {
                self.ask($crate::exports::teleop::Command::NavGoal { x, y })
            }

            /// Whether this end only watches: [`OperatorConfig::view`](crate::OperatorConfig::view). Nothing of it reaches the
            /// robot then: no velocity is said or kept, commands stay unanswered, and **an emergency stop stops nothing**; it is
            /// said as soon as the robot is handed over to this end, unless it was released before. From
            /// [`ConnectionEvent::HandedOver`](crate::ConnectionEvent::HandedOver) on it drives, until the connection is lost.
            pub fn watches(&self) -> bool {
                self.inner.watches()
            }

            /// Whether this operator engaged the emergency stop and has not released it since.
            pub fn is_estopped(&self) -> bool {
                self.inner.act(|operator, _| operator.is_estopped())
            }

            /// The way to the robot and back, as far as it is known.
            pub fn link(&self) -> $crate::exports::teleop::LinkStats {
                self.inner.link()
            }

            /// Velocities that were sent so far.
            pub fn sent(&self) -> u64 {
                self.inner.counts().0
            }

            /// Velocities that nobody could get: the robot was not there, or its time was not known.
            pub fn dropped(&self) -> u64 {
                self.inner.counts().1
            }
        }

        impl ::std::fmt::Debug for Operator {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Debug::fmt(&self.inner, f)
            }
        }
    };
}
