"""The report as an assignment: exercises that build, checks that tell, a student's edition, marks.

cases, exercises   what an exercise is; which there are, and where their functions stand
convolving, learning, explaining   the exercises of chapters 1 and 2, of 3, of 4 to 6
checking           is an exercise right, and if not, why
mistakes           typical mistakes, for teachers
student, marking, sandbox   the folder to hand out, and what comes back: `python -m helpers.course --help`
"""

from helpers.course.checking import check

__all__ = ["check"]
