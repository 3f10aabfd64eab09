"""What settlement does: one file per noun, one function per thing a person or a provider would ask for."""
