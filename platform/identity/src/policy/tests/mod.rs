mod conditions;
mod documents;
mod evaluation;
mod simulation;
