@echo off
rem lora4j: finds a Java 25 or later and runs the command line, for Windows; bin/lora4j is the one for all others.
rem
rem   LORA4J_JAVA_HOME   the Java to use, instead of looking for one
rem   LORA4J_JAVA_OPTS   options for Java, such as -Xmx8g; they come last and win
rem
rem No block in parentheses holds a variable with a path: a path may have parentheses too.
setlocal EnableExtensions DisableDelayedExpansion
set "needed=25"
set "java="
set "looked="
for %%I in ("%~dp0..") do set "home=%%~fI"

if not defined LORA4J_JAVA_HOME goto look
call :consider "%LORA4J_JAVA_HOME%"
if defined java goto found
echo lora4j: LORA4J_JAVA_HOME="%LORA4J_JAVA_HOME%" is no Java %needed% or later.>&2
if defined looked echo It is Java %looked%.>&2
exit /b 1

:look
call :consider "%home%\runtime"
if not defined java if defined JAVA_HOME call :consider "%JAVA_HOME%"
if defined java goto found
set "program="
for %%J in (java.exe) do set "program=%%~$PATH:J"
if defined program call :askprogram

:folders
if defined java goto found
for /d %%D in ("%ProgramFiles%\Eclipse Adoptium\*" "%ProgramFiles%\Java\*" "%ProgramFiles%\Microsoft\jdk*" "%ProgramFiles%\Zulu\*" "%ProgramFiles%\Amazon Corretto\*" "%ProgramFiles%\BellSoft\*" "%USERPROFILE%\.jdks\*") do call :consider "%%~fD"
if defined java goto found
echo lora4j needs a Java %needed% or later and found none.>&2
if defined looked echo It found Java %looked%.>&2
echo It looked at LORA4J_JAVA_HOME, JAVA_HOME, PATH, and the usual folders in "%ProgramFiles%".>&2
echo Install one, for example with: winget install EclipseAdoptium.Temurin.%needed%.JDK>&2
echo or unpack one anywhere and say where: set LORA4J_JAVA_HOME=C:\path\to\jdk>&2
exit /b 1

:found
rem Results are UTF-8. The console reads them as that while the command runs, and as before afterwards.
set "codepage="
for /f "tokens=2 delims=:" %%C in ('chcp') do set "codepage=%%C"
if defined codepage set "codepage=%codepage:.=%"
if defined codepage chcp 65001 > nul
"%java%" --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:+UseParallelGC -XX:MaxRAMPercentage=75 -Xmn64m -Xshare:auto -XX:GCTimeLimit=80 -XX:GCHeapFreeLimit=5 -Xlog:disable -Xlog:all=error:stderr -Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 %LORA4J_JAVA_OPTS% -cp "%home%\lib\*" org.lora4j.cli.Main %*
set "result=%ERRORLEVEL%"
if defined codepage chcp %codepage% > nul
exit /b %result%

rem Takes the Java in folder %1, if there is one, it is new enough, and none is taken yet. Its file "release" has its version;
rem a program that is asked for it writes into a file, since for /f cannot run one whose name has spaces and parentheses.
:consider
if defined java exit /b 0
if not exist "%~1\bin\java.exe" exit /b 0
if not exist "%~1\release" goto ask
set "version="
for /f "usebackq tokens=1,2 delims==" %%A in ("%~1\release") do if "%%A"=="JAVA_VERSION" set "version=%%~B"
set "program=%~1\bin\java.exe"
goto compare

:ask
set "program=%~1\bin\java.exe"
:askprogram
set "version="
set "answer=%TEMP%\lora4j-%RANDOM%.txt"
"%program%" -version > nul 2> "%answer%"
for /f "usebackq tokens=2,3" %%A in ("%answer%") do if "%%A"=="version" set "version=%%~B"
del "%answer%" > nul 2>&1

:compare
if not defined version exit /b 0
set "feature=%version:-=.%"
for /f "tokens=1 delims=." %%A in ("%feature%") do set "feature=%%A"
if "%feature%"=="1" set "feature=8"
if %feature% GEQ %needed% set "java=%program%"
if %feature% LSS %needed% if not defined looked set "looked=%version%"
exit /b 0
