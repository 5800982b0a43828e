"""The nouns of EpiCode, the rules about them, and the wires; imported by web and worker alike."""
