"""What answers requests: engines behind one contract, chosen by EDGE302_ENGINE."""
