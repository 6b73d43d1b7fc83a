"""Models trained anew from what has come in, and how a challenger takes its champion's place."""
