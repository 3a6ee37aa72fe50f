//! What users of SNS observe, through the typed client on a stepped clock, with the real SQS beside it.

mod attributes;
mod data_protection;
mod delivery_status;
mod encryption;
mod fan_out;
mod fifo;
mod functions;
mod gateways;
mod kit;
mod mail;
mod push;
mod replay;
mod signatures;
mod text_messages;
mod topics;
mod web;
