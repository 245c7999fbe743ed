//! Gives the addon the link arguments that Node needs on each platform.

fn main() {
    napi_build::setup();
}
