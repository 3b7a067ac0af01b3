//! What other messages are made of, and single values.

crate::lcm_messages! {
    package std_msgs;

    /// A counter, a time, and the frame that coordinates are in.
    pub struct Header {
        int32_t seq;
        Time stamp;
        string frame_id;
    }

    /// Seconds and nanoseconds since the epoch of the sender's clock.
    pub struct Time {
        int32_t sec;
        int32_t nsec;
    }

    /// Seconds and nanoseconds.
    pub struct Duration {
        int32_t sec;
        int32_t nsec;
    }

    /// A text.
    pub struct String {
        string data;
    }

    /// Yes or no.
    pub struct Bool {
        boolean data;
    }

    /// A number.
    pub struct Float64 {
        double data;
    }

    /// A colour; each part from 0 to 1.
    pub struct ColorRGBA {
        float r;
        float g;
        float b;
        float a;
    }
}
