"""What the commands of the command line do, one file a command; crossmodal.cli says what they take."""
