"""The commands: one file each, nothing imported before its command is called."""
