"""What the front door does, without knowing that it is asked over HTTP."""
