//! The server as a client meets it: scope is what goes over the wire, spoken by a real client.

#[cfg(test)]
mod control;
#[cfg(test)]
mod edits;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod generations;
#[cfg(test)]
mod helper;
#[cfg(test)]
mod streams;
