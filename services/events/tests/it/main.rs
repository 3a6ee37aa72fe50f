//! What users of EventBridge observe, through the typed client on a stepped clock, with the real SQS, SNS and Logs beside
//! it.

mod buses;
mod delivery;
mod kit;
mod matching;
mod rules;
mod transform;
