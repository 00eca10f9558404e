//! Pacing of what leaves: budgets of business numbers.
