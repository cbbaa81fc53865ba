import { Command } from 'commander';
import { contactImportCommand } from './contact-import.ts';
import { contactOptInCommand, contactOptOutCommand } from './contact-opt-out.ts';
import { contactShowCommand } from './contact-show.ts';

export function contactCommand(): Command {
  return new Command('contact')
    .description('import contacts, look at one, and opt out of all mail or of a list')
    .addCommand(contactImportCommand())
    .addCommand(contactShowCommand())
    .addCommand(contactOptOutCommand())
    .addCommand(contactOptInCommand());
}
